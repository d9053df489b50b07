"""What all tables share: their metadata, how constraints are named, and how rows are numbered.

`schema`, `accounts_schema`, `call_schema`, `ledger_schema` and `outbox_schema` define the tables.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData

NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
metadata = MetaData(naming_convention=NAMES)


def growing_id() -> Column[int]:
    """A number that the database gives each row, and never again. SQLite numbers only an INTEGER key by itself."""
    kind = BigInteger().with_variant(Integer(), "sqlite")
    return Column("id", kind, primary_key=True, autoincrement=True)
