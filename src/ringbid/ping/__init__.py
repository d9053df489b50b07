"""The first flow: from a request for a price and a place to the reply (`ping.flow` is its list of steps)."""
