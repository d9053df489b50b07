"""The phone networks: each adapter translates between its provider and `call.desk`, and decides nothing."""
