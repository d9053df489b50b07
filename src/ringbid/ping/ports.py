"""What the ping flow needs from outside, handed to it once by `bootstrap`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ringbid.buyers.protocol import Outbound
from ringbid.catalog.snapshot import KeyView, Snapshot
from ringbid.ping.turns import Turns
from ringbid.reservations.ports import Places, Reservations
from ringbid.routing.bids import StartTask
from ringbid.routing.plan import CampaignPlan
from ringbid.values.clock import Clock
from ringbid.values.ids import RandomBytes


class Plans(Protocol):
    """The compiled catalogs as they stand now."""

    @property
    def snapshot(self) -> Snapshot:
        """All catalogs as they are in force here."""
        ...

    def plan_of(self, view: KeyView) -> CampaignPlan:
        """The compiled plan of the campaign of this key."""
        ...

    async def view_at(self, view: KeyView, version: int) -> KeyView | None:
        """The same key in a snapshot of at least `version`, waiting for it; None where the key is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTools:
    """Store, buyers, catalogs, clock and chance: what one ping needs."""

    reservations: Places
    outbound: Outbound
    plans: Plans
    clock: Clock
    random_bytes: RandomBytes
    sip_domain: str | None
    start_task: StartTask
    turns: Turns


@dataclass(frozen=True, slots=True, kw_only=True)
class PingTools(FlowTools):
    """The same over a store that also moves reservations on: what the ping API needs."""

    reservations: Reservations
