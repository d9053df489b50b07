"""TwiML as a strict carrier reads it: every verb, attribute and value must be one that it knows, in its place.

Used by `edge.emulate.carrier`. Real carriers drop the call, or do something unmeant, where this complains.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET

from ringbid.edge.telephony.twiml.dialects import DIALECTS
from ringbid.settings import CarrierKind
from ringbid.values.phone import is_e164

MOST_NOUNS = 10
_LONGEST_SIP_HEADERS = 1023
_CONTENT_TYPES = ("text/xml", "application/xml")
_EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
_RECORDS = frozenset(
    {
        "do-not-record",
        "record-from-answer",
        "record-from-ringing",
        "record-from-answer-dual",
        "record-from-ringing-dual",
    }
)
_SIP_URI = re.compile(r"sips?:[^@\s?]+@[A-Za-z0-9.\-:\[\]]+(?:;[^\s?]+)?", re.ASCII)
_SIP_HEADER_NAME = re.compile(r"[Xx]-[A-Za-z0-9\-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One noun of a Dial: whom to ring, and where to tell about it."""

    address: str  # a number, or a SIP URI without its headers
    headers: Mapping[str, str]
    callback: str | None
    events: frozenset[str]

    @property
    def is_sip(self) -> bool:
        return not is_e164(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class DialVerb:
    """Ring these, all at once."""

    targets: tuple[Target, ...]
    action: str | None
    ring_seconds: int
    talk_seconds: int
    answer_on_bridge: bool
    caller_id: str | None
    record: str


@dataclass(frozen=True, slots=True)
class RejectVerb:
    busy: bool


@dataclass(frozen=True, slots=True)
class RedirectVerb:
    url: str


@dataclass(frozen=True, slots=True)
class HangupVerb:
    pass


Verb: TypeAlias = DialVerb | RejectVerb | RedirectVerb | HangupVerb


class _WrongError(Exception):
    """What the carrier cannot follow; stays within this module."""


def read_markup(
    body: bytes, content_type: str, *, kind: CarrierKind, answered: bool, first: bool
) -> tuple[Verb, ...] | str:
    """The verbs of a document, in order (none at all means: hang up), or what is wrong with it.

    `answered`: the caller's side is answered already. `first`: this is the call's first document.
    """
    try:
        return _read(body, content_type, kind=kind, answered=answered, first=first)
    except _WrongError as error:
        return str(error)


def _read(body: bytes, content_type: str, *, kind: CarrierKind, answered: bool, first: bool) -> tuple[Verb, ...]:
    if content_type.partition(";")[0].strip().lower() not in _CONTENT_TYPES:
        raise _WrongError(f"the content type is {content_type!r}, not XML")
    try:
        root = ET.fromstring(body)  # noqa: S314 -- the document of the very server that this program tests
    except ET.ParseError as error:
        raise _WrongError(f"the document is no XML: {error}") from None
    if root.tag != "Response":
        raise _WrongError(f"the root is {root.tag}, not Response")
    _no_text(root)
    _attributes(root, ())
    verbs = tuple(_READERS.get(element.tag, _unknown)(element, kind) for element in root)
    for index, verb in enumerate(verbs):
        if isinstance(verb, RejectVerb) and (index > 0 or answered or not first):
            raise _WrongError("Reject is not the first verb of a call that nobody has answered")
        if not isinstance(verb, DialVerb) and index + 1 < len(verbs):
            raise _WrongError(f"verbs after {root[index].tag} are never reached")
    return verbs


def _unknown(element: ET.Element, _: CarrierKind) -> Verb:
    raise _WrongError(f"{element.tag} is no verb that is followed here")


def _read_dial(element: ET.Element, kind: CarrierKind) -> Verb:
    known = ("action", "answerOnBridge", "callerId", "method", "record", "timeLimit", "timeout")
    given = _attributes(element, known)
    dialect = DIALECTS[kind]
    targets = tuple(_read_noun(noun) for noun in element)
    if not 1 <= len(targets) <= MOST_NOUNS:
        raise _WrongError(f"Dial rings {len(targets)} at once; 1 to {MOST_NOUNS} are possible")
    _no_text(element)
    caller_id = given.get("callerId")
    if caller_id is not None and not is_e164(caller_id):
        raise _WrongError(f"callerId {caller_id!r} is no number in E.164")
    record = given.get("record", "do-not-record")
    if record not in _RECORDS or (kind == "telnyx" and record.endswith("-dual")):
        raise _WrongError(f"record cannot be {record!r}")
    if given.get("method", "POST") != "POST":
        raise _WrongError("only POST is used here")
    return DialVerb(
        targets=targets,
        action=_url(given.get("action"), "action"),
        ring_seconds=_whole(given.get("timeout", "30"), "timeout", dialect.ring_seconds),
        talk_seconds=_whole(given.get("timeLimit", "14400"), "timeLimit", dialect.talk_seconds),
        answer_on_bridge=_boolean(given.get("answerOnBridge", "false")),
        caller_id=caller_id,
        record=record,
    )


def _read_noun(element: ET.Element) -> Target:
    if element.tag not in ("Number", "Sip"):
        raise _WrongError(f"{element.tag} is no noun of Dial that is followed here")
    given = _attributes(element, ("statusCallback", "statusCallbackEvent", "statusCallbackMethod"))
    if len(element):
        raise _WrongError(f"{element.tag} has no elements in it")
    text = element.text or ""
    headers: dict[str, str] = {}
    if element.tag == "Number":
        if not is_e164(text):
            raise _WrongError(f"Number {text!r} is not in E.164")
    else:
        text, headers = _read_sip(text)
    events = frozenset(given.get("statusCallbackEvent", "completed").split())
    if not events <= _EVENTS:
        raise _WrongError(f"statusCallbackEvent has unknown events: {', '.join(sorted(events - _EVENTS))}")
    if given.get("statusCallbackMethod", "POST") != "POST":
        raise _WrongError("only POST is used here")
    callback = _url(given.get("statusCallback"), "statusCallback")
    return Target(address=text, headers=MappingProxyType(headers), callback=callback, events=events)


def _read_sip(text: str) -> tuple[str, dict[str, str]]:
    """A SIP URI, and the headers that it has the carrier send."""
    uri, _, tail = text.partition("?")
    if _SIP_URI.fullmatch(uri) is None:
        raise _WrongError(f"{uri!r} is no SIP URI")
    if len(tail) > _LONGEST_SIP_HEADERS:
        raise _WrongError("the headers of a SIP URI are 1024 characters or more")
    headers: dict[str, str] = {}
    for part in filter(None, tail.split("&")):
        name, equals, value = part.partition("=")
        if not equals or _SIP_HEADER_NAME.fullmatch(name) is None:
            raise _WrongError(f"{name!r} is no name of a SIP header that may be sent")
        headers[name] = unquote(value)
    return uri, headers


def _read_reject(element: ET.Element, _: CarrierKind) -> Verb:
    reason = _attributes(element, ("reason",)).get("reason", "rejected")
    if reason not in ("busy", "rejected"):
        raise _WrongError(f"Reject has no reason {reason!r}")
    _nothing_within(element)
    return RejectVerb(busy=reason == "busy")


def _read_redirect(element: ET.Element, _: CarrierKind) -> Verb:
    _attributes(element, ("method",))
    url = _url(element.text, "Redirect")
    if url is None:
        raise _WrongError("Redirect leads nowhere")
    return RedirectVerb(url)


def _read_hangup(element: ET.Element, _: CarrierKind) -> Verb:
    _attributes(element, ())
    _nothing_within(element)
    return HangupVerb()


_READERS: Mapping[str, Callable[[ET.Element, CarrierKind], Verb]] = MappingProxyType(
    {"Dial": _read_dial, "Reject": _read_reject, "Redirect": _read_redirect, "Hangup": _read_hangup}
)


def _attributes(element: ET.Element, known: tuple[str, ...]) -> dict[str, str]:
    unknown = sorted(set(element.attrib) - set(known))
    if unknown:
        raise _WrongError(f"{element.tag} has no attribute {', '.join(unknown)}")
    return dict(element.attrib)


def _nothing_within(element: ET.Element) -> None:
    if len(element):
        raise _WrongError(f"{element.tag} has no elements in it")
    _no_text(element)


def _no_text(element: ET.Element) -> None:
    texts = (element.text, *(child.tail for child in element))
    if any(text is not None and text.strip() for text in texts):
        raise _WrongError(f"there is stray text in {element.tag}")


def _whole(text: str, name: str, limits: tuple[int, int]) -> int:
    shortest, longest = limits
    if not (text.isascii() and text.isdigit()) or not shortest <= int(text) <= longest:
        raise _WrongError(f"{name} is {text!r}, not {shortest} to {longest}")
    return int(text)


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise _WrongError(f"{text!r} is neither true nor false")
    return text == "true"


def _url(text: str | None, name: str) -> str | None:
    """An absolute URL whose parameters are sorted: Twilio asks for the sorted one, and signs the other."""
    if text is None:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _WrongError(f"{name} is no absolute URL")
    names = [key for key, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if names != sorted(names):
        raise _WrongError(f"the parameters of {name} are not in alphabetical order")
    return text
