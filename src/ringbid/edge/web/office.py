"""Everything that pages and API resources work with, as ports: made by `bootstrap.web`, read by every handler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from litestar import Request
from litestar.datastructures import State

from ringbid.accounts.actor import Actor
from ringbid.accounts.drafts import Drafts
from ringbid.accounts.kept_answers import KeptAnswers
from ringbid.accounts.posting_links import PostingLinks
from ringbid.accounts.tools import AccountTools
from ringbid.call.ports import CallPlans, CallQuery, Calls, StoredCall
from ringbid.catalog.changing import CatalogEditor
from ringbid.catalog.snapshot import Snapshot
from ringbid.ledger.ports import Ledger
from ringbid.outbox.ports import Counts, OutboxDesk
from ringbid.ping.trying import Trials
from ringbid.reports.attention import RecentReads
from ringbid.reports.funnel import FunnelReads
from ringbid.reports.listing_rows import Listings
from ringbid.reports.live import LiveFeed
from ringbid.reports.portal import PortalTools
from ringbid.reports.telling import CallReads, MessageReads
from ringbid.reservations.ports import Reservations
from ringbid.values.clock import Clock
from ringbid.values.ids import RandomBytes

WebRequest = Request[Actor | None, None, State]


class Identities(Protocol):
    """Whose a session or an API key is."""

    async def of_session(self, token: str) -> Actor | None:
        """The person that signed in and got this cookie; None where the session is over or never was."""
        ...

    async def of_key(self, key: str) -> Actor | None:
        """The program that has this API key; None where there is none, or it has expired."""
        ...


class Snapshots(Protocol):
    """The catalogs in force."""

    @property
    def snapshot(self) -> Snapshot: ...


class OfficeCalls(Calls, CallReads, Protocol):
    """Calls, to be read and changed."""

    async def list_calls(self, query: CallQuery) -> Sequence[StoredCall]:
        """The newest calls that fit, the newest first."""
        ...


class Messages(OutboxDesk, MessageReads, Protocol):
    """The outbox, to be read and changed."""

    async def counts(self) -> Counts:
        """How the outbox of all companies stands, and which endpoints want no more."""
        ...


class Reports(FunnelReads, RecentReads, Protocol):
    """What reports are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The ports. `catalogs` is what pings go by, `editor` what is changed: the store's newest, at once. `trials` try a
    ping that leaves nothing behind; they and `people` are None where a test needs none. `on_message`: a message was
    written and may leave at once. `secure`: browsers reach us over https, so that cookies are for that alone."""

    clock: Clock
    identities: Identities
    catalogs: Snapshots
    editor: CatalogEditor
    plans: CallPlans
    reservations: Reservations
    calls: OfficeCalls
    ledger: Ledger
    messages: Messages
    answers: KeptAnswers
    listings: Listings
    live: LiveFeed
    reports: Reports
    random_bytes: RandomBytes
    on_message: Callable[[], None]
    trials: Trials | None = None
    people: AccountTools | None = None
    portals: PortalTools | None = None  # None where a test needs none
    posting_links: PostingLinks | None = None
    drafts: Drafts | None = None
    sip_domain: str | None = None  # where calls may come in without a number of the campaign
    secure: bool = False


def office_of(request: WebRequest) -> Office:
    """What the handler of `request` works with."""
    office = request.app.state.office
    assert isinstance(office, Office)
    return office


def actor_of(request: WebRequest) -> Actor:
    """Who asks. The route's policy has let somebody in."""
    actor = request.scope["user"]
    assert isinstance(actor, Actor), "the route's policy lets in whom it does not know"
    return actor


def people_of(request: WebRequest) -> AccountTools:
    """What the pages of accounts work with."""
    people = office_of(request).people
    assert people is not None, "a server has accounts"
    return people
