"""`/api/v1`: everything the console shows and changes, as JSON for programs. One file per resource.

`routes` declares an operation, `problems` says how one fails, `paging`, `etags` and `idempotency` are shared by all.
"""
