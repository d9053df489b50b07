"""The texts of the reasons that arise in calls, conversions and the ledger. `reason` lists them under their names."""

from __future__ import annotations

from ringbid.values.facts import NOBODY, Facts, Fault, Stage

_CALL, _CONVERSION = Stage.CALL, Stage.CONVERSION
_PUB, _OWN, _BUY, _RB, _NO = Fault.PUBLISHER, Fault.OWNER, Fault.BUYER, Fault.RINGBID, Fault.NOBODY


def _call(code: str, fault: Fault, text: str, safe: str = NOBODY, *, retry: bool = False) -> Facts:
    return Facts(code, _CALL, fault, text, safe, public=safe is not NOBODY, retry=retry)


def _conversion(code: str, fault: Fault, text: str, safe: str | None = None) -> Facts:
    return Facts(code, _CONVERSION, fault, text, safe or text, public=True)


# How a call found its way
CALL_CLAIMED = _call("call_claimed", _NO, "The call is its reservation's.", "The call claimed its reservation.")
CALL_LATE = _call(
    "call_late",
    _PUB,
    "The call came after its reservation had ended; the key's `after_expiry` says what becomes of it.",
    "The call came after its reservation had expired.",
)
CALL_DIRECT = _call("call_direct", _NO, "The call has no reservation: it was routed as it came.", "A direct call.")
CALLER_DIFFERS = _call(
    "caller_differs",
    _PUB,
    "The caller's number is not the one that was pinged, so the call is not that reservation's.",
    "The caller's number is not the one that was pinged.",
)
INBOUND_UNKNOWN = _call(
    "inbound_unknown",
    _OWN,
    "The number that was called belongs to no campaign: add it to a campaign's `numbers`.",
    "The number that was called is not in service.",
)
CALL_CAMPAIGN_PAUSED = _call(
    "call_campaign_paused", _OWN, "The campaign is paused: set `paused: false` on the campaign.", "Not in service."
)
CALL_REJECTED_LATE = _call(
    "call_rejected_late",
    _PUB,
    "The call came after its reservation had ended, and the key says `after_expiry: reject`.",
    "The call came after its reservation had expired.",
)
CALL_PUBLISHER_PAUSED = _call(
    "call_publisher_paused",
    _OWN,
    "The publisher of the number that was called is paused: set `paused: false` on the publisher.",
    "This publisher is paused.",
)
CALL_NOT_TAKEN = _call(
    "call_not_taken", _NO, "No buyer of the campaign could take the call; each buyer's verdict says why.", retry=True
)

# What became of one buyer in a call
RINGS = _call("rings", _NO, "The buyer is being rung, or is next.", "Ringing.")
TOOK_CALL = _call("took_call", _NO, "The buyer answered and took the call.", "Connected.")
IN_RESERVE = _call("in_reserve", _NO, "The buyer could take the call if those before it do not.")
ONLY_RESERVED_BUYER = _call(
    "only_reserved_buyer", _OWN, "The RTB key says `route_only_to_reserved_buyer`, and this is another buyer."
)
OTHER_BUYER_ANSWERED = _call("other_buyer_answered", _NO, "Another buyer answered first.")
BUYER_BUSY = _call("buyer_busy", _BUY, "The buyer's phone was busy.", retry=True)
BUYER_NO_ANSWER = _call(
    "buyer_no_answer",
    _BUY,
    "The buyer did not answer within its `ring_seconds`, or its own network gave up.",
    retry=True,
)
BUYER_REFUSED_CALL = _call("buyer_refused_call", _BUY, "The buyer's phone refused the call.", retry=True)
BUYER_UNREACHABLE = _call("buyer_unreachable", _BUY, "The buyer's phone could not be reached.", retry=True)
BUYER_CALL_FAILED = _call("buyer_call_failed", _BUY, "The call to the buyer failed.", retry=True)
BUYER_HUNG_UP_EARLY = _call(
    "buyer_hung_up_early",
    _BUY,
    "The buyer hung up before its `recover_below_seconds`, and the next buyer was tried.",
)
BUYER_HANDED_BACK = _call("buyer_handed_back", _BUY, "The buyer handed the call back, and the next buyer was tried.")
CALLER_HUNG_UP = _call("caller_hung_up", _NO, "The caller hung up before anybody answered.", "The caller hung up.")
NOBODY_ANSWERED = _call("nobody_answered", _BUY, "None of the buyers that were rung answered.", retry=True)
CALL_UNHEARD = _call(
    "call_unheard",
    _RB,
    "The phone network never told how the call went on, so its places were freed. See `ringbid doctor`.",
)

# What a call is worth
CONVERTED = _conversion("converted", _NO, "The call converted.")
CALL_TOO_SHORT = _conversion("call_too_short", _NO, "The call was shorter than the conversion rule asks for.")
CONVERTED_BEFORE = _conversion(
    "converted_before", _NO, "This caller converted under the same rule within its `dedupe_seconds`."
)
NO_CONVERSION_RULE = _conversion(
    "no_conversion_rule", _OWN, "No conversion rule fits the publisher, the buyer and the call's tags.", "Not agreed."
)
PAYOUT_WITHHELD = _conversion(
    "payout_withheld",
    _PUB,
    "The call came after its reservation had ended, and the key says `after_expiry: route_unpaid`.",
    "The call came after its reservation had expired.",
)
POSTBACK_AWAITED = _conversion("postback_awaited", _BUY, "The conversion rule waits for a postback.")
POSTBACK_MISSED = _conversion("postback_missed", _BUY, "No postback came within the rule's `postback_seconds`.")
REVENUE_MISSED = _conversion(
    "revenue_missed", _NO, "The payout converts with the revenue, and the revenue did not convert."
)
RECORD_MISSING = _conversion(
    "record_missing",
    _RB,
    "The phone network has not told the call's duration yet.",
    "The call's duration is not known.",
)
REPORTED_CONVERTED = _conversion("reported_converted", _NO, "The call converted: it was reported as a conversion.")
CONVERTED_BY_HAND = _conversion(
    "converted_by_hand",
    _NO,
    "A person decided that the call converts; the ledger says who, and why.",
    "The call converted: the company decided so.",
)

# Requests about a call
CALL_UNKNOWN = Facts("call_unknown", _CALL, _PUB, "There is no such call for this key.", "There is no such call.", True)
ACCESS_KEY_UNKNOWN = Facts(
    "access_key_unknown", _CALL, _PUB, "This key is not known here, or is paused.", "This key is not known here.", True
)
ACCESS_NOT_ALLOWED = Facts(
    "access_not_allowed",
    _CALL,
    _PUB,
    "The key does not allow this; see its `allows`.",
    "The key does not allow this.",
    True,
)
CALL_NOT_LIVE = Facts(
    "call_not_live", _CALL, _BUY, "The call is not connected to this buyer now.", "The call is not connected now.", True
)
HAND_BACK_LATE = Facts(
    "hand_back_late",
    _CALL,
    _BUY,
    "A call can be handed back within 90 seconds after the answer.",
    "A call can be handed back within 90 seconds after the answer.",
    True,
)
ACCESS_LATE = Facts(
    "access_late",
    _CALL,
    _PUB,
    "The call ended longer ago than the key's `until_seconds` allow.",
    "The call ended too long ago.",
    True,
)
CONVERSION_DECIDED = Facts(
    "conversion_decided",
    _CONVERSION,
    _PUB,
    "This side of the call is decided already; adjust or void it in the ledger.",
    "This call's conversion is decided already.",
    True,
)
CONVERSION_NOT_AWAITED = Facts(
    "conversion_not_awaited",
    _CONVERSION,
    _PUB,
    "No rule of this call waits for a postback.",
    "No conversion is awaited for this call.",
    True,
)
CALL_REQUEST_INVALID = Facts(
    "call_request_invalid",
    _CALL,
    _PUB,
    "Name the call by `call_uuid` or the caller by `caller_number`.",
    "Name the call by `call_uuid` or the caller by `caller_number`.",
    True,
)
TAG_RESERVED = Facts(
    "tag_reserved",
    _CALL,
    _PUB,
    "A tag of this name says whose call it is, or what a buyer offers for it, and is never written from outside.",
    "A tag of this name says whose call it is, or what a buyer offers for it, and is never written from outside.",
    True,
)
SIDE_INVALID = Facts(
    "side_invalid",
    _CALL,
    _PUB,
    "The parameter `side` must be `revenue`, `payout` or `both`.",
    "The parameter `side` must be `revenue`, `payout` or `both`.",
    True,
)
HAND_BACK_UNSUPPORTED = Facts(
    "hand_back_unsupported",
    _CALL,
    _OWN,
    "The phone network of this call cannot take it back from a buyer; a carrier's settings need what its API asks for.",
    "This call cannot be handed back.",
    True,
)
NETWORK_UNREACHABLE = Facts(
    "network_unreachable",
    _CALL,
    _RB,
    "The phone network did not take the order; the call stays as it is.",
    "The call could not be handed back just now. Try again.",
    True,
    retry=True,
)
