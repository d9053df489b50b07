"""The tables of accounts: people, what they are in which company, their sessions, links and keys, and the audit log.

No password and no token is here, only what they are recognised by: argon2id hashes, and the SHA-256 of random bytes.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, SmallInteger, Table, Text

from ringbid.store.base import growing_id, metadata

_ROLES = "'owner', 'manager', 'analyst', 'publisher', 'buyer'"
_OWN_PUBLISHER = "(role = 'publisher') = (publisher_id is not null)"
_OWN_BUYER = "(role = 'buyer') = (buyer_id is not null)"

# Somebody who can sign in. Without a password only by a link.
app_user = Table(
    "app_user",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),  # in lower case
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("totp_secret", Text),
    Column("totp_on", SmallInteger, nullable=False),  # was the secret confirmed with a code?
    Column("totp_step", BigInteger, nullable=False),  # of the last code that was used: it is not taken again
    Column("operator", SmallInteger, nullable=False),  # does it own every company that the terminal makes?
    Column("created_at_ms", BigInteger, nullable=False),
    CheckConstraint("email = lower(email)", name="email"),
    CheckConstraint("totp_on in (0, 1) and (totp_on = 0 or totp_secret is not null)", name="totp"),
    CheckConstraint("operator in (0, 1)", name="operator"),
    sqlite_with_rowid=False,
)

# Codes that stand in for a lost phone, each once.
recovery_code = Table(
    "recovery_code",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("code_hash", Text, primary_key=True),
    Column("used_at_ms", BigInteger),
    sqlite_with_rowid=False,
)

# What a user is in a company.
membership = Table(
    "membership",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("company_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("publisher_id", Text),
    Column("buyer_id", Text),
    Column("tags", Text, nullable=False),  # what a publisher's user may see, as a JSON list
    Column("created_at_ms", BigInteger, nullable=False),
    CheckConstraint(f"role in ({_ROLES})", name="role"),
    CheckConstraint(_OWN_PUBLISHER, name="publisher"),
    CheckConstraint(_OWN_BUYER, name="buyer"),
    Index("ix_membership_company_id", "company_id"),
    sqlite_with_rowid=False,
)

# A browser that somebody signed in with.
app_session = Table(
    "app_session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("session_id", Text, nullable=False, unique=True),  # what it is called in lists
    Column("user_id", Text, nullable=False, index=True),
    Column("company_id", Text),  # the one that is shown; none while the second factor is awaited
    Column("state", Text, nullable=False),
    Column("by_link", SmallInteger, nullable=False),  # may the password be set without the old one?
    Column("created_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),  # at the latest; idle ones end sooner
    Column("address", Text, nullable=False),
    Column("browser", Text, nullable=False),
    CheckConstraint("state in ('code', 'open')", name="state"),
    CheckConstraint("(state = 'open') = (company_id is not null)", name="company"),
    sqlite_with_rowid=False,
)

# One-time links from the terminal: claiming an installation, or signing in where all else fails.
claim_link = Table(
    "claim_link",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user_id", Text),  # who signs in with it; none: it makes the first owner
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("used_at_ms", BigInteger),
    sqlite_with_rowid=False,
)

# An offer to become a member, for whoever has its link.
invitation = Table(
    "invitation",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("invitation_id", Text, nullable=False, unique=True),
    Column("company_id", Text, nullable=False, index=True),
    Column("email", Text, nullable=False),  # for whom it is meant
    Column("role", Text, nullable=False),
    Column("publisher_id", Text),
    Column("buyer_id", Text),
    Column("tags", Text, nullable=False),
    Column("invited_by", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("accepted_at_ms", BigInteger),
    CheckConstraint(f"role in ({_ROLES})", name="role"),
    CheckConstraint(_OWN_PUBLISHER, name="publisher"),
    CheckConstraint(_OWN_BUYER, name="buyer"),
    sqlite_with_rowid=False,
)

# The key of a program.
api_key = Table(
    "api_key",
    metadata,
    Column("key_hash", Text, primary_key=True),
    Column("key_id", Text, nullable=False, unique=True),
    Column("company_id", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("hint", Text, nullable=False),  # its last characters, to tell it by
    Column("scopes", Text, nullable=False),  # as a JSON list
    Column("created_by", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger),  # none: never
    Column("replaced_by", Text),  # the key_id of the one that was made in its place
    Column("used_at_ms", BigInteger),  # the last time, to the minute
    sqlite_with_rowid=False,
)

# Every change that somebody made. Nothing here is changed or removed.
audit = Table(
    "audit",
    metadata,
    growing_id(),
    Column("company_id", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("user_id", Text),
    Column("author", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("before_value", Text),
    Column("after_value", Text),
    CheckConstraint("via in ('session', 'key', 'terminal')", name="via"),
    Index("ix_audit_company_id_id", "company_id", "id"),
    Index("ix_audit_company_id_user_id_id", "company_id", "user_id", "id"),
    sqlite_autoincrement=True,
)
