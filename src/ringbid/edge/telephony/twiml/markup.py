"""What the exchange decided, in TwiML: the few verbs that calls are routed with.

Written by `endpoint` as its answer. `twilio` has a library for this; forty lines of XML are not worth its fifty
megabytes, and the tests compare the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote
from xml.etree import ElementTree as ET

from ringbid.call.instruction import Dial
from ringbid.edge.telephony.twiml.dialects import DIALECTS, clamped
from ringbid.settings import Carrier
from ringbid.values.phone import PhoneNumber, is_e164

_MOST_AT_ONCE = 10  # nouns in one Dial; carriers refuse more
LEG_EVENTS = "ringing answered completed"

_FALLBACK_RING_SECONDS = 30
_BUSY_CODES = frozenset({480, 486, 503})  # what will be different later; 404 and 603 will not
_SIP_URI_SAFE = ":@;=?&+%.-_~!*'(),/[]$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """Where the carrier reports one call's progress. Parameters stand in alphabetical order: Twilio asks for the sorted
    URL but signs the one it was given."""

    base_url: str  # https://ringbid.example.org/carriers/NAME
    call_sid: str

    def dial_done(self, step: tuple[Dial, ...], *, longest_seconds: int) -> str:
        """Asked when this step is over: what now? `longest_seconds`: the time limit that it had."""
        attempts = ".".join(dial.attempt_id for dial in step)
        call = quote(self.call_sid, safe="")
        return f"{self.base_url}/dial-done?attempts={attempts}&call={call}&longest={longest_seconds}"

    def leg(self, dial: Dial) -> str:
        """Told what one buyer's phone does."""
        return f"{self.base_url}/leg?attempt={dial.attempt_id}&call={quote(self.call_sid, safe='')}"


def dial_markup(
    step: tuple[Dial, ...], *, carrier: Carrier, callbacks: Callbacks, caller_number: PhoneNumber | None
) -> bytes:
    """Ring the buyers of one step, at once where there are several, and ask what follows. The caller's side is
    answered, and paid for, only when a buyer answers. More buyers than a Dial can take are left for the next."""
    step = step[:_MOST_AT_ONCE]
    verb = _dial(
        carrier,
        ring_seconds=max(dial.ring_seconds for dial in step),
        talk_seconds=min(dial.max_duration_seconds for dial in step),
        caller_number=caller_number,
    )
    verb.set("action", callbacks.dial_done(step, longest_seconds=int(verb.attrib["timeLimit"])))
    verb.set("method", "POST")
    for dial in step:
        noun = _noun(verb, dial.to, headers={"X-Ringbid-Call": dial.call_uuid, "X-Ringbid-Key": dial.call_key})
        noun.set("statusCallback", callbacks.leg(dial))
        noun.set("statusCallbackEvent", LEG_EVENTS)
        noun.set("statusCallbackMethod", "POST")
    return _document(verb)


def reject_markup(code: int) -> bytes:
    """Refuse a call that nobody has answered yet, which costs nothing. It must be the first verb the carrier gets."""
    return _document(ET.Element("Reject", reason="busy" if code in _BUSY_CODES else "rejected"))


def hangup_markup() -> bytes:
    """End the call."""
    return _document(ET.Element("Hangup"))


def fallback_markup(carrier: Carrier) -> bytes:
    """Where calls go without a decision: `fallback` of the settings, else a busy signal. It needs no database and may
    be stored with the carrier for the time when this server cannot be reached."""
    if carrier.fallback is None:
        return reject_markup(503)
    _, longest = DIALECTS[carrier.kind].talk_seconds
    verb = _dial(carrier, ring_seconds=_FALLBACK_RING_SECONDS, talk_seconds=longest, caller_number=None)
    _noun(verb, carrier.fallback, headers={})
    return _document(verb)


def _dial(carrier: Carrier, *, ring_seconds: int, talk_seconds: int, caller_number: PhoneNumber | None) -> ET.Element:
    dialect = DIALECTS[carrier.kind]
    verb = ET.Element("Dial", answerOnBridge="true")
    verb.set("timeout", str(clamped(ring_seconds, dialect.ring_seconds)))
    verb.set("timeLimit", str(clamped(talk_seconds, dialect.talk_seconds)))
    caller_id = carrier.caller_id or (caller_number if dialect.callers_number else None)
    if caller_id is not None:
        verb.set("callerId", caller_id)
    if carrier.recording:
        verb.set("record", dialect.record)
    return verb


def _noun(verb: ET.Element, to: str, *, headers: dict[str, str]) -> ET.Element:
    if is_e164(to):
        noun = ET.SubElement(verb, "Number")
        noun.text = to
        return noun
    noun = ET.SubElement(verb, "Sip")
    noun.text = quote(to, safe=_SIP_URI_SAFE)  # nothing in it can be a control character, which XML has no way to say
    for name, value in headers.items():
        noun.text += f"{'&' if '?' in noun.text else '?'}{name}={quote(value, safe='')}"
    return noun


def _document(*verbs: ET.Element) -> bytes:
    response = ET.Element("Response")
    response.extend(verbs)
    markup: bytes = ET.tostring(response, encoding="utf-8", xml_declaration=True)
    return markup
