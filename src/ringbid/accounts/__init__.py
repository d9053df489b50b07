"""Who may do what: people, their roles and keys, and the one policy table."""
