"""Signing in: password, then the one-time code where the user has one, then a session with a token of its own.

Unknown addresses and wrong passwords are told alike and take alike. `throttle` limits how often one may be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ringbid.accounts import totp
from ringbid.accounts.passwords import Passwords
from ringbid.accounts.people import User, read_email
from ringbid.accounts.ports import Accounts
from ringbid.accounts.sessions import CODE_WAITS, LONGEST, NewSession, Visit
from ringbid.accounts.throttle import Throttle
from ringbid.accounts.tokens import Token, hash_token, new_id, new_token
from ringbid.values.clock import Clock
from ringbid.values.ids import RandomBytes


class Hurdle(Enum):
    """Why nobody was signed in. Each value is what people read."""

    WRONG = "The e-mail address or the password is wrong."
    CODE_WRONG = "The code is wrong, or was used before. Codes change every 30 seconds: take the newest."
    CODE_LATE = "The code came too late. Sign in again."
    TOO_OFTEN = "There were too many tries. Wait, or let the operator of this server make a link: ringbid link"
    NO_COMPANY = "This account belongs to no company. Ask an owner of one to invite you."


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSignedIn:
    hurdle: Hurdle
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """`token` is the browser's cookie from now on. With `wants_code` it is good for the code's page alone."""

    token: str
    wants_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The flow, over its ports."""

    accounts: Accounts
    passwords: Passwords
    throttle: Throttle
    clock: Clock
    random_bytes: RandomBytes

    async def with_password(self, email: str, password: str, visit: Visit) -> SignedIn | NotSignedIn:
        """Raises passwords.TooManyWaiting."""
        account = read_email(email) or ""
        wait_seconds = self.throttle.wait_seconds(account=account, address=visit.address)
        if wait_seconds:
            return NotSignedIn(hurdle=Hurdle.TOO_OFTEN, retry_after_seconds=wait_seconds)
        self.throttle.count(account=account, address=visit.address)
        user = await self.accounts.user_of_email(account)
        matches = await self.passwords.matches(password, user.password_hash if user is not None else None)
        if user is None or not matches:
            return NotSignedIn(hurdle=Hurdle.WRONG)
        if not user.totp_on:
            return await self.open(user, visit)
        token = new_token(self.random_bytes)
        session = NewSession(
            token_hash=token.hash,
            session_id=new_id("s", self.random_bytes),
            user_id=user.user_id,
            company_id=None,
            visit=visit,
            lifetime=CODE_WAITS,
        )
        await self.accounts.open_session(session)
        return SignedIn(token=token.text, wants_code=True)

    async def with_code(self, waiting_token: str, code: str, visit: Visit) -> SignedIn | NotSignedIn:
        """`code` is of the authenticator app, or a recovery code."""
        waiting = hash_token(waiting_token)
        user = await self.accounts.find_waiting(waiting)
        if user is None:
            return NotSignedIn(hurdle=Hurdle.CODE_LATE)
        wait_seconds = self.throttle.wait_seconds(account=user.email, address=visit.address)
        if wait_seconds:
            return NotSignedIn(hurdle=Hurdle.TOO_OFTEN, retry_after_seconds=wait_seconds)
        self.throttle.count(account=user.email, address=visit.address)
        if not await self.takes(user, code):
            return NotSignedIn(hurdle=Hurdle.CODE_WRONG)
        return await self.open(user, visit, replaces=waiting)

    async def open(
        self, user: User, visit: Visit, *, replaces: str | None = None, by_link: bool = False
    ) -> SignedIn | NotSignedIn:
        """A new session with a new token, for a user that has shown who it is. `replaces`: the hash of its old one."""
        memberships = await self.accounts.memberships(user.user_id)
        if not memberships:
            return NotSignedIn(hurdle=Hurdle.NO_COMPANY)
        token: Token = new_token(self.random_bytes)
        session = NewSession(
            token_hash=token.hash,
            session_id=new_id("s", self.random_bytes),
            user_id=user.user_id,
            company_id=memberships[0].company_id,
            visit=visit,
            lifetime=LONGEST,
            by_link=by_link,
        )
        await self.accounts.open_session(session, replaces=replaces)
        self.throttle.forgive(account=user.email, address=visit.address)
        return SignedIn(token=token.text)

    async def takes(self, user: User, code: str) -> bool:
        """Is `code` one of the user's app, or a recovery code? It is used up then."""
        assert user.totp_secret is not None, "who waits for a code has a secret"
        step = totp.find_step(user.totp_secret, code, at=self.clock.now())
        if step is not None:
            return await self.accounts.use_totp_step(user.user_id, step)
        return await self.accounts.use_recovery_code(user.user_id, totp.hash_recovery_code(code))
