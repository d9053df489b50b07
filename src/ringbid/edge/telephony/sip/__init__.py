"""SIP by Kamailio: its configuration, the router that answers its questions, its records, and starting it."""
