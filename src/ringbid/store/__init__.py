"""The only SQL: one writer, batched transactions, on SQLite and PostgreSQL alike."""
