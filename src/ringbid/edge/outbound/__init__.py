"""HTTP out: one client for the whole program, guarded."""
