"""One ping as a picture for a person: its buyers in routing order, its price, its tags, and what to do next.

Made of what `reports.explain` says; drawn by `templates/reservation/`, for a stored ping and for one that was tried.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from msgspec import structs

from ringbid.accounts.actor import Actor, Role
from ringbid.catalog.snapshot import CompanyView
from ringbid.reports.explain import BuyerRow, Explanation
from ringbid.reports.labels import LABELS, Label
from ringbid.reservations.trace import TracedAsk, TracedTag
from ringbid.routing.tags import OWN, parameter_of
from ringbid.values.money import Money
from ringbid.values.reason import Reason

MASKED = "••••••"
_KEY_TO_FILL_IN = ("key", "YOUR_RTB_KEY")
_SOURCES = {
    "ping": "sent with the ping",
    "zip": "from the zip code",
    "geo": "from geo",
    "number": "from the caller's area code",
}
_STRATEGIES = {
    "priority": "By priority; within a level, calls are shared by weight.",
    "bid": "By priority; within a level, the highest revenue wins.",
    "performance": "By priority; within a level, who earns most per call wins.",
}
_ADDED = OWN - {"publisher_id", "caller_number"}
_LEAST_SHOWN = 3  # a private value that is shorter would be found everywhere in an ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """One buyer: the verdict, what it would have brought, and its asks. `start_ms`: when it was asked."""

    row: BuyerRow
    name: str
    label: Label
    margin: Money | None
    asks: tuple[TracedAsk, ...]
    start_ms: float

    @property
    def won(self) -> bool:
        return self.row.reason is Reason.WON


@dataclass(frozen=True, slots=True)
class Level:
    """The buyers of one priority."""

    priority: int
    falls: tuple[Fall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRow:
    """A tag and where it came from, in words. `private`: the company declares it so; its value may be masked."""

    name: str
    value: str
    source: str
    private: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A ping's explanation, ready to draw. `asks` are those made for the whole campaign; `curl` sends the ping again;
    `masked`: private tags are hidden from who looks. `campaign`, `publisher` and `key` are names."""

    told: Explanation
    label: Label
    campaign: str
    publisher: str
    key: str
    strategy: str
    levels: tuple[Level, ...]
    asks: tuple[TracedAsk, ...]
    tags: tuple[TagRow, ...]
    curl: str
    masked: bool

    @property
    def winner(self) -> Fall | None:
        return next((fall for level in self.levels for fall in level.falls if fall.won), None)


def picture_of(told: Explanation, *, company: CompanyView | None, actor: Actor, base_url: str) -> Picture:
    """The picture of a ping of the actor's company. `company` is its catalog in force, for names: the ping itself
    keeps ids."""
    masked = actor.role not in (Role.OWNER, Role.MANAGER)
    private = _private(company) if company is not None else set()
    asks = told.asks
    if masked:
        asks = tuple(_mask(ask, _values(told.tags, private)) for ask in asks)
    falls = [_fall(row, asks, company) for row in told.buyers]
    ping = told.ping
    campaigns = company.catalog.campaigns if company is not None else ()
    campaign = next((one for one in campaigns if one.id == ping.campaign_id), None)
    publisher = company.publishers.get(ping.publisher_id) if company is not None else None
    key = next((one for one in campaign.rtb_keys if one.id == ping.key_id), None) if campaign else None
    sent = fields_of(told, hidden_from(actor, company), tag_prefix=key.tag_prefix if key is not None else "")
    return Picture(
        told=told,
        label=LABELS[told.reason],
        campaign=campaign.name if campaign is not None else ping.campaign_id,
        publisher=publisher.name if publisher is not None else ping.publisher_id,
        key=key.name if key is not None else "a key that was removed",
        strategy=_STRATEGIES.get(told.strategy, told.strategy),
        levels=tuple(
            Level(priority, tuple(group)) for priority, group in groupby(falls, key=lambda fall: fall.row.priority)
        ),
        asks=tuple(ask for ask in asks if ask.buyer is None),
        tags=tuple(_tag_rows(told.tags, private, masked=masked)),
        curl=curl_of(sent, base_url=base_url),
        masked=masked,
    )


def fields_of(told: Explanation, hidden: set[str], *, tag_prefix: str) -> list[tuple[str, str]]:
    """What the publisher sent, but for the key: names and values; a list has its name repeated, and `hidden` tags are
    masked. `tag_prefix` is what the key had put before the names of tags."""
    ping = told.ping
    fields = [("publisher_id", str(ping.publisher_id))]
    if ping.caller_number is not None:
        fields.append(("caller_number", str(ping.caller_number)))
    for tag_name, tag in told.tags.items():
        if tag.source == "ping" and tag_name not in OWN:
            name = parameter_of(tag_name, tag_prefix=tag_prefix)
            values = [tag.value] if isinstance(tag.value, str) else tag.value
            fields += [(name, MASKED if tag_name in hidden else value) for value in values]
    return fields


def curl_of(fields: Iterable[tuple[str, str]], *, base_url: str) -> str:
    """The command that sends the same ping again, with the key left for its owner to fill in."""
    lines = [f"curl {shlex.quote(f'{base_url}/rtbs.json')}"]
    lines += [f"  --data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in [_KEY_TO_FILL_IN, *fields]]
    return " \\\n".join(lines)


def hidden_from(actor: Actor, company: CompanyView | None) -> set[str]:
    """The tags whose values this actor may not read."""
    if company is None or actor.role in (Role.OWNER, Role.MANAGER):
        return set()
    return _private(company)


def _private(company: CompanyView) -> set[str]:
    return {name for name, tag in company.tags.items() if tag.private}


def _fall(row: BuyerRow, asks: Iterable[TracedAsk], company: CompanyView | None) -> Fall:
    buyer = company.buyers.get(row.buyer_id) if company is not None else None
    own = tuple(ask for ask in asks if ask.buyer == row.buyer_id)
    margin = None
    if row.revenue is not None and row.payout is not None:
        margin = Money(row.revenue.micros - row.payout.micros, row.revenue.currency)
    return Fall(
        row=row,
        name=buyer.name if buyer is not None else row.buyer_id,
        label=LABELS[row.reason],
        margin=margin,
        asks=own,
        start_ms=min((ask.started_ms for ask in own), default=0.0),
    )


def _tag_rows(tags: Mapping[str, TracedTag], private: set[str], *, masked: bool) -> Iterable[TagRow]:
    for name, tag in tags.items():
        is_private = name in private
        yield TagRow(
            name=name,
            value=MASKED if masked and is_private else _text(tag),
            source="added by Ringbid" if name in _ADDED else _source(tag),
            private=is_private,
        )


def _source(tag: TracedTag) -> str:
    return _SOURCES.get(tag.source, f"answered by the webhook {tag.source}")


def _text(tag: TracedTag) -> str:
    return tag.value if isinstance(tag.value, str) else ", ".join(tag.value)


def _values(tags: Mapping[str, TracedTag], private: set[str]) -> list[str]:
    values = [_text(tag) for name, tag in tags.items() if name in private]
    return [value for value in values if len(value) >= _LEAST_SHOWN]


def _mask(ask: TracedAsk, values: list[str]) -> TracedAsk:
    """The ask without what is private, wherever it stands."""
    request, answer = ask.request, ask.answer
    for value in values:
        request = request.replace(value, MASKED)
        answer = answer.replace(value, MASKED) if answer is not None else None
    outputs = {name: MASKED if value in values else value for name, value in ask.outputs.items()}
    return structs.replace(ask, request=request, answer=answer, outputs=outputs)
