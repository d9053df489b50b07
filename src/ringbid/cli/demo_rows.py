"""What the demo shows of each ping: one row, made of what the publisher got and what the store knows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ringbid.edge.emulate.publishers import SentPing
from ringbid.reports.explain import count_verdicts, explain
from ringbid.reports.labels import LABELS, Label
from ringbid.reservations.ports import StoredPing
from ringbid.values.money import format_price, round_decimal_to_micros
from ringbid.values.reason import Reason, Stage

_NO_ANSWER = Label("no answer", "bad")
_REFUSED = Label("bad request", "limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One ping as it is shown. `uuid` is None where the request was no ping; `payout` is a text for people.
    `held_until`: until when its place waits for a call; None where it has none of its own, or has given it back."""

    at: datetime
    uuid: str | None
    campaign: str
    publisher: str
    caller: str  # its last four digits
    label: Label
    then: str | None
    buyer: str
    payout: str
    took_ms: float
    why: str
    held_until: datetime | None = None

    @property
    def reserved(self) -> bool:
        """Did it get a place of its own?"""
        return self.uuid is not None and self.label == LABELS[Reason.RESERVED]

    @property
    def refused(self) -> bool:
        """Is there something to explain: a ping that got no place?"""
        return self.uuid is not None and self.label.tone == "limit"


def row_of(sent: SentPing, stored: StoredPing | None, *, at: datetime) -> Row:
    """The row of a ping that was answered `at` this time. `stored` is None where the store has no record of it."""
    reply, planned = sent.reply, sent.planned
    label, why, buyer = _ending(sent, stored)
    payout = reply.retreaver_payout if reply is not None else None
    return Row(
        at=at,
        uuid=reply.uuid if reply is not None else None,
        campaign=planned.campaign_id,
        publisher=planned.publisher_id,
        caller=f"…{planned.caller_number[-4:]}" if planned.caller_number else "none",
        label=label,
        then=sent.then_status,
        buyer=buyer,
        payout=format_price(round_decimal_to_micros(payout)) if payout is not None else "",
        took_ms=sent.took_ms,
        why=why,
        held_until=_held_until(sent),
    )


def _held_until(sent: SentPing) -> datetime | None:
    reply = sent.reply
    if reply is None or reply.status != "reserved" or reply.retreaver_ping_shield or sent.then_status == "released":
        return None
    return reply.expires_at


def _ending(sent: SentPing, stored: StoredPing | None) -> tuple[Label, str, str]:
    """The chip, the top reason and the buyer."""
    reply = sent.reply
    if reply is None:
        return _NO_ANSWER, "", ""
    if reply.uuid is None:
        return _REFUSED, reply.code or reply.status, ""
    if stored is None:
        return Label(reply.status, "good" if reply.status == "reserved" else "limit"), reply.code or "", ""
    if reply.retreaver_ping_shield:
        return LABELS[Reason.DUPLICATE], "the caller's place was returned", stored.buyer_id or ""
    if stored.reason.stage is Stage.REQUEST:
        return LABELS[stored.reason], stored.reason.code, ""
    return LABELS[stored.reason], count_verdicts(explain(stored)), stored.buyer_id or ""
