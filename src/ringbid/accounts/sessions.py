"""Sessions: browsers that somebody signed in with, for how long, and what is remembered of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ringbid.accounts.people import Membership, User
from ringbid.values.ids import CompanyId

IDLE = timedelta(hours=12)  # unused for so long, a session is over
LONGEST = timedelta(days=14)  # then one must sign in again, used or not
CODE_WAITS = timedelta(minutes=5)  # between the password and the one-time code
BY_LINK = timedelta(minutes=30)  # after signing in by a link, what was lost is replaced without knowing it
SEEN_EVERY = timedelta(minutes=1)  # how exactly the last use is known

SessionState = Literal["code", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who knocks: the address, and what the browser calls itself."""

    address: str = ""
    browser: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session to be opened, or one that waits for its one-time code (`company_id` None)."""

    token_hash: str
    session_id: str
    user_id: str
    company_id: CompanyId | None
    visit: Visit
    lifetime: timedelta
    by_link: bool = False

    @property
    def state(self) -> SessionState:
        return "code" if self.company_id is None else "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A session that is good now, with its user and what that is in the session's company. `company_ids` are all that
    it may switch to, in order."""

    session_id: str
    user: User
    membership: Membership
    company_ids: tuple[CompanyId, ...]
    created_at: datetime
    seen_at: datetime
    by_link: bool
    now: datetime

    @property
    def seen_long_ago(self) -> bool:
        """Is its last use to be noted again?"""
        return self.now - self.seen_at >= SEEN_EVERY

    @property
    def may_set_password_freely(self) -> bool:
        return self.user.password_hash is None or self.just_came_by_link

    @property
    def just_came_by_link(self) -> bool:
        """May its user do without the password and the one-time codes, which may be lost?"""
        return self.by_link and self.now < self.created_at + BY_LINK


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSession:
    """One line of a user's own list."""

    session_id: str
    created_at: datetime
    seen_at: datetime
    visit: Visit
