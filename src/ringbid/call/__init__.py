"""The second flow: from a phone call that arrives to money that is booked (`call.flow` is its list of steps)."""
