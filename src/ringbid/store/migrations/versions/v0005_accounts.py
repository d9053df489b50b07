"""The tables of accounts and the audit log. `store.accounts_schema` says what each is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _make_people()
    _make_sessions_and_links()
    _make_keys_and_audit()


def _make_people() -> None:
    op.create_table(
        "app_user",
        sa.Column("user_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("totp_secret", sa.Text()),
        sa.Column("totp_on", sa.SmallInteger(), nullable=False),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("operator", sa.SmallInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_app_user_email")),
        sa.CheckConstraint("operator in (0, 1)", name=op.f("ck_app_user_operator")),
        sa.CheckConstraint(
            "totp_on in (0, 1) and (totp_on = 0 or totp_secret is not null)", name=op.f("ck_app_user_totp")
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_app_user"),
        sa.UniqueConstraint("email", name="uq_app_user_email"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "recovery_code",
        sa.Column("user_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("code_hash", sa.Text(), primary_key=True, nullable=False),
        sa.Column("used_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_code"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "membership",
        sa.Column("user_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("company_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text()),
        sa.Column("buyer_id", sa.Text()),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(role = 'buyer') = (buyer_id is not null)", name=op.f("ck_membership_buyer")),
        sa.CheckConstraint("(role = 'publisher') = (publisher_id is not null)", name=op.f("ck_membership_publisher")),
        sa.CheckConstraint(
            "role in ('owner', 'manager', 'analyst', 'publisher', 'buyer')",
            name=op.f("ck_membership_role"),
        ),
        sa.PrimaryKeyConstraint("user_id", "company_id", name="pk_membership"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_membership_company_id", "membership", ["company_id"])


def _make_sessions_and_links() -> None:
    op.create_table(
        "app_session",
        sa.Column("token_hash", sa.Text(), primary_key=True, nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by_link", sa.SmallInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.CheckConstraint("(state = 'open') = (company_id is not null)", name=op.f("ck_app_session_company")),
        sa.CheckConstraint("state in ('code', 'open')", name=op.f("ck_app_session_state")),
        sa.PrimaryKeyConstraint("token_hash", name="pk_app_session"),
        sa.UniqueConstraint("session_id", name="uq_app_session_session_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_app_session_expires_at_ms", "app_session", ["expires_at_ms"])
    op.create_index("ix_app_session_user_id", "app_session", ["user_id"])
    op.create_table(
        "claim_link",
        sa.Column("token_hash", sa.Text(), primary_key=True, nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("token_hash", name="pk_claim_link"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "invitation",
        sa.Column("token_hash", sa.Text(), primary_key=True, nullable=False),
        sa.Column("invitation_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text()),
        sa.Column("buyer_id", sa.Text()),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at_ms", sa.BigInteger()),
        sa.CheckConstraint("(role = 'buyer') = (buyer_id is not null)", name=op.f("ck_invitation_buyer")),
        sa.CheckConstraint("(role = 'publisher') = (publisher_id is not null)", name=op.f("ck_invitation_publisher")),
        sa.CheckConstraint(
            "role in ('owner', 'manager', 'analyst', 'publisher', 'buyer')",
            name=op.f("ck_invitation_role"),
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_invitation"),
        sa.UniqueConstraint("invitation_id", name="uq_invitation_invitation_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_invitation_company_id", "invitation", ["company_id"])


def _make_keys_and_audit() -> None:
    op.create_table(
        "api_key",
        sa.Column("key_hash", sa.Text(), primary_key=True, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger()),
        sa.Column("replaced_by", sa.Text()),
        sa.Column("used_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("key_hash", name="pk_api_key"),
        sa.UniqueConstraint("key_id", name="uq_api_key_key_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_api_key_company_id", "api_key", ["company_id"])
    op.create_table(
        "audit",
        _growing_id(),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("before_value", sa.Text()),
        sa.Column("after_value", sa.Text()),
        sa.CheckConstraint("via in ('session', 'key', 'terminal')", name=op.f("ck_audit_via")),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_company_id_id", "audit", ["company_id", "id"])
    op.create_index("ix_audit_company_id_user_id_id", "audit", ["company_id", "user_id", "id"])


def _growing_id() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True)
