"""The left rail: which screens there are, in which order, and for whom. A screen that is not served has no link."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from ringbid.accounts.actor import Actor
from ringbid.accounts.policy import Policy, allows


@dataclass(frozen=True, slots=True)
class Place:
    """A link of the rail. `icon` is a name of `assets/icons.txt`; `opens_group`: a line stands above it."""

    label: str
    path: str
    icon: str
    policy: Policy = Policy.READ
    opens_group: bool = False

    def holds(self, path: str) -> bool:
        """Is the page at `path` part of this screen?"""
        return path == self.path or (self.path != "/" and path.startswith(f"{self.path}/"))


PLACES = (
    Place("Overview", "/", "layout-dashboard"),
    Place("Live", "/live", "radio"),
    Place("Pings", "/pings", "activity"),
    Place("Calls", "/calls", "phone-call"),
    Place("Reports", "/reports", "chart-column"),
    Place("Ledger", "/ledger", "wallet"),
    Place("Campaigns", "/campaigns", "megaphone", opens_group=True),
    Place("Publishers", "/publishers", "send"),
    Place("Buyers", "/buyers", "headset"),
    Place("Numbers", "/numbers", "hash"),
    Place("Tester", "/tester", "flask-conical", opens_group=True),
    Place("Deliveries", "/deliveries", "webhook"),
    Place("Disputes", "/disputes", "clipboard-list"),
    Place("Developers", "/developers", "code-xml"),
    Place("Settings", "/settings", "settings", opens_group=True),
    Place("Audit", "/audit", "scroll-text"),
    Place("Overview", "/portal/publisher", "layout-dashboard", Policy.PUBLISHER_PORTAL),
    Place("Pings", "/portal/publisher/pings", "activity", Policy.PUBLISHER_PORTAL),
    Place("Calls", "/portal/publisher/calls", "phone-call", Policy.PUBLISHER_PORTAL),
    Place("Payouts", "/portal/publisher/payouts", "wallet", Policy.PUBLISHER_PORTAL),
    Place("Overview", "/portal/buyer", "layout-dashboard", Policy.BUYER_PORTAL),
    Place("Calls", "/portal/buyer/calls", "phone-call", Policy.BUYER_PORTAL),
    Place("Hours and caps", "/portal/buyer/terms", "clock", Policy.BUYER_PORTAL),
)


def places_for(actor: Actor | None, served: Container[str]) -> tuple[Place, ...]:
    """What `actor` may open of the screens that are `served`, by their paths."""
    return tuple(place for place in PLACES if place.path in served and allows(place.policy, actor) == "yes")


def place_of(path: str, places: tuple[Place, ...]) -> Place | None:
    """The screen that the page at `path` belongs to: the longest that holds it."""
    return max((place for place in places if place.holds(path)), key=lambda place: len(place.path), default=None)
