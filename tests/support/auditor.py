"""The auditor of the simulation: keeps its own simple books from what clients were told, and checks every answer.

It knows the rules of the field, not the product's code: who is open, what counts, who must win. Its books are plain
lists walked from end to end; it shares no function with what it checks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(slots=True)
class SimulatedBuyer:
    """Told apart in replies by its unique `seconds`. Caps of None do not limit."""

    name: str
    seconds: int
    revenue: int
    concurrency: int | None
    hourly: int | None
    paused: bool = False


@dataclass(slots=True)
class Hold:
    """One reservation as its publisher knows it."""

    uuid: str
    caller: str
    buyer: SimulatedBuyer
    expires_at: datetime
    counted: bool
    state: str = "held"
    extended_to: int | None = None
    reserved_at: datetime | None = None
    counted_call_at: datetime | None = None


@dataclass(slots=True)
class Auditor:
    """Books of one simulated exchange with one key: `ttl_seconds`, and whether a reservation counts at once."""

    buyers: list[SimulatedBuyer]
    ttl_seconds: int
    count_on_reserve: bool
    holds: list[Hold] = field(default_factory=list)

    def is_open(self, hold: Hold, now: datetime) -> bool:
        return hold.state in ("held", "confirmed") and hold.expires_at > now

    def used(self, buyer: SimulatedBuyer, now: datetime) -> int:
        """Places taken with this buyer now."""
        return sum(
            1
            for hold in self.holds
            if hold.buyer is buyer and (hold.state == "live" or (hold.counted and self.is_open(hold, now)))
        )

    def used_this_hour(self, buyer: SimulatedBuyer, now: datetime) -> int:
        """Calls counted in this hour, and what may still become one: open reservations that count, and calls that are
        live but not counted yet."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        calls = sum(
            1
            for hold in self.holds
            if hold.buyer is buyer and hold.counted_call_at is not None and hour <= hold.counted_call_at
        )
        return calls + sum(
            1
            for hold in self.holds
            if hold.buyer is buyer
            and ((hold.counted and self.is_open(hold, now)) or (hold.state == "live" and hold.counted_call_at is None))
        )

    def fits(self, buyer: SimulatedBuyer, now: datetime) -> bool:
        """May this buyer take one more?"""
        if buyer.concurrency is not None and self.used(buyer, now) >= buyer.concurrency:
            return False
        return buyer.hourly is None or self.used_this_hour(buyer, now) < buyer.hourly

    def open_hold(self, caller: str, now: datetime) -> Hold | None:
        return next((hold for hold in self.holds if hold.caller == caller and self.is_open(hold, now)), None)

    def expected_winner(self, now: datetime) -> SimulatedBuyer | None:
        """The best payer with a free place; names settle equal prices."""
        free = [buyer for buyer in self.buyers if not buyer.paused and self.fits(buyer, now)]
        return max(free, key=lambda buyer: buyer.revenue, default=None)

    def check_ping(self, caller: str, reply: dict[str, Any], now: datetime, *, sequential: bool = True) -> Hold | None:
        """The reply to a ping of `caller` at `now` is what the books say it must be. `sequential`: nothing else ran."""
        known = self.open_hold(caller, now)
        if known is not None:
            assert reply["uuid"] == known.uuid, f"{caller} has {known.uuid} open but was told {reply}"
            assert reply["retreaver_ping_shield"] is True
            return None
        if reply["status"] == "no-target":
            assert "inbound_number" not in reply
            assert not sequential or self.expected_winner(now) is None, f"{self.expected_winner(now)} was free: {reply}"
            return None
        assert reply["status"] == "reserved", reply
        assert "retreaver_ping_shield" not in reply
        buyer = next(buyer for buyer in self.buyers if buyer.seconds == reply["retreaver_seconds"])
        assert reply["retreaver_payout"] * 2 == buyer.revenue, reply
        if sequential:
            assert buyer is self.expected_winner(now), f"{buyer} won, {self.expected_winner(now)} should have"
        expires_at = datetime.fromisoformat(reply["expires_at"])
        assert expires_at - now == timedelta(seconds=self.ttl_seconds)
        hold = Hold(reply["uuid"], caller, buyer, expires_at, counted=self.count_on_reserve, reserved_at=now)
        assert all(hold.uuid != other.uuid for other in self.holds), "a uuid was given twice"
        self.holds.append(hold)
        return hold

    def check_caps(self, now: datetime, *, lowered: bool) -> None:
        """Nobody holds more than its cap. `lowered`: the caps were edited down, and old places may still stand."""
        for buyer in self.buyers:
            if buyer.concurrency is not None and not lowered:
                assert self.used(buyer, now) <= buyer.concurrency, f"{buyer.name} is oversold at {now}"
