"""What accounts need of a store. `store.accounts` keeps these promises; the flows here, pages and commands call them.

Every method raises StoreOverloaded and StoreUnavailable. What changes something writes its audit entry with the change.
A token is known by its hash; lifetimes are counted on the store's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Protocol

from ringbid.accounts.audit import Author
from ringbid.accounts.claiming import Claimed, ClaimLink
from ringbid.accounts.companies import NewCompany
from ringbid.accounts.invitations import Accepted, Invitation, NewInvitation
from ringbid.accounts.keys import ApiKey, NewKey
from ringbid.accounts.people import Grant, Member, Membership, NewUser, User
from ringbid.accounts.sessions import ListedSession, NewSession, OpenSession
from ringbid.values.ids import CompanyId


class MemberChange(Enum):
    """What became of changing or removing a member."""

    DONE = "done"
    UNKNOWN = "unknown"
    LAST_OWNER = "last owner"  # a company without an owner would be nobody's


class People(Protocol):
    """Users, their second factors, and what they are in which company."""

    async def any_user(self) -> bool: ...

    async def user_of_email(self, email: str) -> User | None: ...

    async def user(self, user_id: str) -> User | None: ...

    async def owners(self) -> tuple[User, ...]:
        """Everybody who owns a company."""
        ...

    async def memberships(self, user_id: str) -> tuple[Membership, ...]:
        """In the order of the companies' ids."""
        ...

    async def members(self, company_id: CompanyId) -> tuple[Member, ...]:
        """In the order of their names."""
        ...

    async def change_member(
        self, company_id: CompanyId, user_id: str, grant: Grant, *, author: Author
    ) -> MemberChange: ...

    async def remove_member(self, company_id: CompanyId, user_id: str, *, author: Author) -> MemberChange:
        """Their sessions in this company end at once."""
        ...

    async def set_password(
        self, user_id: str, password_hash: str, *, keep_session: str, company_id: CompanyId, author: Author
    ) -> None:
        """All sessions of the user end but the one with the id `keep_session`."""
        ...

    async def change_user(
        self, user_id: str, *, name: str, email: str, company_id: CompanyId, author: Author
    ) -> bool:  # fmt: skip
        """False where the address is somebody else's."""
        ...

    async def start_totp(self, user_id: str, secret: str) -> None:
        """Keep a secret that counts once it was confirmed. Does nothing where one is on."""
        ...

    async def turn_totp_on(
        self, user_id: str, *, step: int, code_hashes: Sequence[str], company_id: CompanyId, author: Author
    ) -> bool:
        """The secret was confirmed with a code of `step`; False: there is none, or it was on."""
        ...

    async def turn_totp_off(self, user_id: str, *, company_id: CompanyId, author: Author) -> None: ...

    async def replace_recovery_codes(
        self, user_id: str, code_hashes: Sequence[str], *, company_id: CompanyId, author: Author
    ) -> None: ...

    async def recovery_codes_left(self, user_id: str) -> int: ...

    async def use_totp_step(self, user_id: str, step: int) -> bool:
        """Take a code of `step`; False where it, or a later one, was taken before."""
        ...

    async def use_recovery_code(self, user_id: str, code_hash: str) -> bool:
        """Take a code; False where there is none such, or it was taken before."""
        ...

    async def add_company(self, company: NewCompany, *, owner_id: str, author: Author) -> bool:
        """Make a company with its first owner; False where there is one of this id."""
        ...


class Links(Protocol):
    """Links from the terminal, and invitations."""

    async def make_link(self, token_hash: str, *, user_id: str | None, lifetime: timedelta) -> None:
        """Earlier links of the same user are over. Those that claim stay: the first to be used ends them all."""
        ...

    async def find_link(self, token_hash: str) -> ClaimLink | None: ...

    async def claim(self, token_hash: str, owner: NewUser, company: NewCompany | None) -> Claimed:
        """Make the first user, owner of all companies there are and of `company`. Once, whoever else tries."""
        ...

    async def use_link(self, token_hash: str) -> User | None:
        """Who signs in with this link. Once; None afterwards."""
        ...

    async def make_owner(self, owner: NewUser, company: NewCompany | None, *, author: Author) -> bool:
        """Make an owner of all companies there are, from the terminal; False where the address has an account."""
        ...

    async def adopt_companies(self) -> int:
        """Give companies without an owner those that own what the terminal makes; how many got some."""
        ...

    async def invite(self, invitation: NewInvitation, *, lifetime: timedelta, author: Author) -> None: ...

    async def find_invitation(self, token_hash: str) -> Invitation | None:
        """One that can be accepted now."""
        ...

    async def invitations(self, company_id: CompanyId) -> tuple[Invitation, ...]:
        """All that can be accepted now, the newest first."""
        ...

    async def withdraw(self, company_id: CompanyId, invitation_id: str, *, author: Author) -> bool: ...

    async def accept(self, token_hash: str, *, user_id: str) -> Accepted:
        """Make this user a member."""
        ...

    async def accept_as(self, token_hash: str, newcomer: NewUser) -> Accepted:
        """Make this user, and a member of it."""
        ...


class Sessions(Protocol):
    """Browsers that somebody signed in with."""

    async def open_session(self, session: NewSession, *, replaces: str | None = None) -> None:
        """`replaces` is the hash of the token that ends with it."""
        ...

    async def find_session(self, token_hash: str) -> OpenSession | None:
        """The session that is good now, its user a member of its company."""
        ...

    async def find_waiting(self, token_hash: str) -> User | None:
        """Whose one-time code is awaited."""
        ...

    async def note_seen(self, session_id: str) -> None:
        """Note its last use; not where too much waits."""
        ...

    async def sessions_of(self, user_id: str) -> tuple[ListedSession, ...]:
        """All that are good now, the last used first."""
        ...

    async def end_session(self, user_id: str, session_id: str) -> bool: ...

    async def end_sessions(self, user_id: str, *, keep_session: str) -> int:
        """End all but one; how many ended."""
        ...

    async def switch_company(self, session_id: str, company_id: CompanyId) -> bool:
        """Show another company; False where the session's user is no member of it."""
        ...


class ApiKeys(Protocol):
    """The keys of programs."""

    async def make_key(self, key: NewKey, *, author: Author) -> None: ...

    async def find_key(self, key_hash: str) -> ApiKey | None:
        """The key, where it is good now. Its use is noted, at most once a minute."""
        ...

    async def keys(self, company_id: CompanyId) -> tuple[ApiKey, ...]:
        """All that were ever made, the newest first."""
        ...

    async def rotate_key(
        self, company_id: CompanyId, key_id: str, *, token_hash: str, new_id: str, hint: str, overlap: timedelta,
        author: Author,
    ) -> bool:  # fmt: skip
        """Make a key in its place, for as long as it was made for; the old one goes on for `overlap`."""
        ...

    async def end_key(self, company_id: CompanyId, key_id: str, *, author: Author) -> bool: ...


class Accounts(People, Links, Sessions, ApiKeys, Protocol):
    """All of it."""
