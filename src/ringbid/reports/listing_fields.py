"""Which filters each list has, and what their values look like: those of Retreaver's log, and more."""

from __future__ import annotations

import re

from ringbid.catalog.phone_parsing import parse_phone
from ringbid.ledger.entry import parse_account
from ringbid.outbox.message import MessageState
from ringbid.reports.listing import Field, ListKind, Value
from ringbid.reservations.reservation import State
from ringbid.values.facts import Stage
from ringbid.values.ids import parse_ping_id
from ringbid.values.money import MICROS_PER_UNIT, micros_from_decimal, parse_decimal
from ringbid.values.reason import BY_CODE, Reason

STATUSES = ("reserved", "rejected", "no-target")
PHASES = ("routing", "ringing", "connected", "ended", "refused")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9 .-]{1,16}", re.ASCII)
_STAGES_OF_PINGS = {Stage.REQUEST, Stage.DUPLICATE, Stage.ELIGIBILITY, Stage.QUOTE, Stage.RESERVATION}


def ids(name: str, label: str) -> Field:
    """Ids of the catalog. One that it does not have (any more) is a filter like any other."""
    expected = "an id: letters, digits, `_`, `.`, `:`, `-`, at most 64"
    return Field(name=name, label=label, expected=expected, read=lambda text: _matching(_ID, text), many=True)


def choice(name: str, label: str, choices: tuple[str, ...], *, many: bool = True) -> Field:
    expected = f"one of {', '.join(choices)}"
    read = lambda text: text if text in choices else None  # noqa: E731 -- it is one comparison, with what it was given
    return Field(name=name, label=label, expected=expected, read=read, many=many, choices=choices)


def flag(name: str, label: str) -> Field:
    return Field(name=name, label=label, expected="true or false", read=_read_flag, choices=("true", "false"))


def amount(name: str, label: str) -> Field:
    """An amount of money in the company's currency, in micros once it is read."""
    return Field(name=name, label=label, expected="an amount such as 12.50", read=_read_micros)


def seconds(name: str, label: str) -> Field:
    """A duration in seconds, in milliseconds once it is read."""
    return Field(name=name, label=label, expected="seconds, such as 95 or 94.5", read=_read_ms)


def name_of(name: str, label: str) -> Field:
    return Field(name=name, label=label, expected="a name of at most 200 characters", read=lambda text: text or None)


def upper_code(name: str, label: str) -> Field:
    return Field(name=name, label=label, expected="a code such as CA or US", read=_read_code, many=True)


def _matching(pattern: re.Pattern[str], text: str) -> str | None:
    return text if pattern.fullmatch(text) else None


def _read_code(text: str) -> str | None:
    return text.upper() if _CODE.fullmatch(text) else None


def _read_flag(text: str) -> bool | None:
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower())


def _read_micros(text: str) -> int | None:
    number = parse_decimal(text)
    micros = micros_from_decimal(number) if number is not None else None
    return micros if micros is not None and 0 <= micros < 10**9 * MICROS_PER_UNIT else None


def _read_ms(text: str) -> int | None:
    number = parse_decimal(text)
    return int(number * 1000) if number is not None and 0 <= number < 10**7 else None


def read_uuid_or_number(text: str) -> Value | None:
    """A uuid in small letters, or a phone number as E.164, in any usual spelling."""
    return parse_ping_id(text) or parse_phone(text)


def _search(what: str) -> Field:
    expected = f"the uuid of {what}, or a caller's number such as +12125550123 or (212) 555-0123"
    return Field(name="search", label="Search", expected=expected, read=read_uuid_or_number)


def _number(name: str, label: str) -> Field:
    return Field(name=name, label=label, expected="a number such as +18444021146", read=parse_phone)


def _kind(name: str, *fields: Field) -> ListKind:
    return ListKind(name, {field.name: field for field in fields})


_CODES = tuple(reason.code for reason in Reason if reason.stage in _STAGES_OF_PINGS)

PINGS = _kind(
    "pings",
    _search("a ping"),
    ids("campaign_id", "Campaign"),
    ids("publisher_id", "Publisher"),
    ids("buyer_id", "Buyer"),
    ids("key_id", "RTB key"),
    choice("status", "Status", STATUSES),
    choice("state", "State", tuple(state.value for state in State)),
    Field(
        name="reason",
        label="Reason",
        expected="a code of docs/reasons.md, such as reserved or no_buyer_available",
        read=lambda text: text if text in BY_CODE else None,
        many=True,
        choices=_CODES,
    ),
    flag("duplicate", "Duplicate"),
    upper_code("caller_state", "Caller's state"),
    upper_code("caller_country", "Caller's country"),
    amount("revenue_min", "Revenue from"),
    amount("revenue_max", "Revenue to"),
    amount("payout_min", "Payout from"),
    amount("payout_max", "Payout to"),
)
CALLS = _kind(
    "calls",
    _search("a call, or of its reservation"),
    ids("campaign_id", "Campaign"),
    ids("publisher_id", "Publisher"),
    ids("buyer_id", "Buyer"),
    _number("inbound_number", "Number"),
    choice("phase", "Phase", PHASES),
    flag("converted", "Converted"),
    seconds("duration_min", "Duration from"),
    seconds("duration_max", "Duration to"),
)
POSTINGS = _kind(
    "postings",
    Field(
        name="account",
        label="Account",
        expected="buyer/ID, publisher/ID, company/revenue or company/payout",
        read=parse_account,
    ),
    choice("kind", "Kind", ("conversion", "adjustment", "void")),
    choice("side", "Side", ("revenue", "payout"), many=False),
    Field(name="call_id", label="Call", expected="the uuid of a call", read=parse_ping_id),
)
DELIVERIES = _kind(
    "deliveries",
    choice("state", "State", tuple(state.value for state in MessageState)),
    name_of("kind", "Kind"),
    name_of("endpoint", "Endpoint"),
    Field(name="call_id", label="Call", expected="the uuid of a call", read=parse_ping_id),
    name_of("message_id", "Message"),
)
# A publisher's user must not learn of buyers or of what they pay, nor a buyer's of the publisher's pay.
PINGS_OF_PUBLISHER = PINGS.without("buyer_id", "revenue_min", "revenue_max", "publisher_id", "key_id", "reason")
CALLS_OF_PUBLISHER = CALLS.without("buyer_id", "publisher_id")
CALLS_OF_BUYER = CALLS.without("buyer_id", "publisher_id")
