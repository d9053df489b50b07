"""The only network: the ping API, the one outbound client, the control socket, simulated partners."""
