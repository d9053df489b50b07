"""Why a reservation could not be confirmed. `store.schema` says what it is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("reservation", sa.Column("refused", sa.Text()))
