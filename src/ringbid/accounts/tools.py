"""What the pages of accounts work with, put together by `bootstrap`."""

from __future__ import annotations

from dataclasses import dataclass

from ringbid.accounts.audit import Audit
from ringbid.accounts.passwords import Passwords
from ringbid.accounts.ports import Accounts
from ringbid.accounts.sign_in import SignIn
from ringbid.accounts.throttle import Throttle
from ringbid.values.clock import Clock
from ringbid.values.ids import RandomBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTools:
    """`public_url` is where people reach this server, without a slash at its end; None: where they asked."""

    accounts: Accounts
    audit: Audit
    passwords: Passwords
    sign_in: SignIn
    random_bytes: RandomBytes
    public_url: str | None = None


def make_tools(
    accounts: Accounts, audit: Audit, *, clock: Clock, random_bytes: RandomBytes, public_url: str | None = None
) -> AccountTools:
    """The tools over these ports."""
    passwords = Passwords()
    sign_in = SignIn(
        accounts=accounts, passwords=passwords, throttle=Throttle(clock), clock=clock, random_bytes=random_bytes
    )
    return AccountTools(
        accounts=accounts,
        audit=audit,
        passwords=passwords,
        sign_in=sign_in,
        random_bytes=random_bytes,
        public_url=public_url.rstrip("/") if public_url is not None else None,
    )
