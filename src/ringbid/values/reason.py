"""The closed list of reasons: why a ping or a buyer ended as it did. One code per cause; codes are never reused.

Each reason has its owner's text (what happened and what mends it) and a text that is safe for the publisher. The API,
`ringbid explain`, the docs (`docs/reasons.md` is generated from here) and later the console all say the same words.
A new reason comes with a scenario under `tests/scenarios/`; a test fails otherwise.
"""

from __future__ import annotations

from enum import Enum

from ringbid.values import call_facts as on_calls
from ringbid.values import ledger_facts as on_ledger
from ringbid.values.facts import NOBODY, Facts, Fault, Stage
from ringbid.values.facts import of_buyer as _buyer
from ringbid.values.facts import of_request as _request

__all__ = ["BY_CODE", "Fault", "Reason", "Stage"]

_D, _E, _A = Stage.DUPLICATE, Stage.ELIGIBILITY, Stage.ASK
_B, _Q, _U, _V, _L = Stage.BID, Stage.QUOTE, Stage.AUCTION, Stage.RESERVATION, Stage.LOOKUP
_PUB, _OWN, _BUY, _RB, _NO = Fault.PUBLISHER, Fault.OWNER, Fault.BUYER, Fault.RINGBID, Fault.NOBODY


class Reason(Enum):
    """Every ending there is. `Reason.X.code` is stable; texts may be improved."""

    # How a ping can end
    RESERVED = Facts("reserved", _V, _NO, "A place is held with a buyer.", "A buyer was reserved.", public=True)
    DUPLICATE = Facts(
        "duplicate",
        _D,
        _NO,
        "This caller already had an open reservation; the same one was returned.",
        "This caller already has an open reservation; it is returned again.",
        public=True,
    )
    NO_BUYER_AVAILABLE = Facts(
        "no_buyer_available",
        _U,
        _NO,
        "No buyer of the campaign could take the call; each buyer's verdict says why.",
        NOBODY,
        public=True,
        retry=True,
    )
    PAYOUT_UNKNOWN = Facts(
        "payout_unknown",
        _Q,
        _OWN,
        "Unable to determine payout until the call converts",
        "Unable to determine payout until the call converts",
        public=True,
    )

    # The request itself
    KEY_MISSING = _request("key_missing", "The request has no RTB key: send it as `key` or as `Authorization: Bearer`.")
    KEY_UNKNOWN = _request("key_unknown", "This RTB key is not known here. Copy the posting URL again.")
    PUBLISHER_MISSING = _request("publisher_missing", "FAILED must include publisher_id (string)")
    CALLER_NUMBER_MISSING = _request("caller_number_missing", "FAILED must include caller_number (string)")
    CALLER_NUMBER_INVALID = _request(
        "caller_number_invalid", "caller_number is not a phone number. Send E.164 (+12125550123) or ten digits."
    )
    INBOUND_NUMBER_INVALID = _request(
        "inbound_number_invalid", "inbound_number is not a phone number. Send E.164, such as +18885551234."
    )
    INBOUND_NUMBER_UNKNOWN = _request(
        "inbound_number_unknown", "inbound_number is not a number of this campaign. Send one of its numbers, or none."
    )
    BODY_TOO_LARGE = _request("body_too_large", "The body is larger than 64 kB.")
    BODY_TOO_SLOW = _request("body_too_slow", "The body did not arrive in time. Send it at once.", retry=True)
    BODY_UNREADABLE = _request("body_unreadable", "The body is neither a JSON object nor a form.")
    BODY_TYPE_UNSUPPORTED = _request(
        "body_type_unsupported", "Send parameters in the query, as a form, or as a JSON object; no other content type."
    )
    ENCODING_INVALID = _request("encoding_invalid", "The request is not valid UTF-8.")
    TOO_MANY_TAGS = _request("too_many_tags", "The request carries more than 200 tags.")
    TAG_KEY_INVALID = _request(
        "tag_key_invalid",
        "A parameter name is empty, longer than 64 characters, or has spaces, brackets or control characters.",
    )
    TAG_VALUE_INVALID = _request(
        "tag_value_invalid", "A value is longer than 1,024 characters, has control characters, or is a nested object."
    )
    PARAMETER_REPEATED = _request(
        "parameter_repeated", "A parameter stands twice with different values. Send it once (geo may be repeated)."
    )
    METHOD_NOT_ALLOWED = _request("method_not_allowed", "This address does not take that HTTP method.")
    IDEMPOTENCY_KEY_INVALID = _request(
        "idempotency_key_invalid", "Idempotency-Key must have 1 to 255 visible characters."
    )
    IDEMPOTENCY_KEY_REUSED = _request(
        "idempotency_key_reused",
        "This Idempotency-Key was used with other parameters. Use a new key for a new request.",
    )
    IDEMPOTENCY_KEY_IN_FLIGHT = _request(
        "idempotency_key_in_flight",
        "The first request with this Idempotency-Key is still running. Ask again shortly.",
        retry=True,
    )
    RATE_LIMITED = _request(
        "rate_limited",
        "This publisher sent more pings than the key allows. Wait as long as Retry-After says.",
        retry=True,
    )
    OVERLOADED = _request(
        "overloaded",
        "The exchange has as many pings under way as it can take. Try again as Retry-After says.",
        fault=_RB,
        retry=True,
    )
    STORE_UNAVAILABLE = _request(
        "store_unavailable",
        "The database could not be reached or could not write, so nothing was promised. See `ringbid doctor`.",
        fault=_RB,
        retry=True,
        safe="The exchange cannot take pings right now. Try again as Retry-After says.",
    )
    RTB_DISABLED = _request(
        "rtb_disabled",
        "Real-time bidding is switched off for the company: set `company.rtb_enabled: true`.",
        fault=_OWN,
        safe="Real-time bidding is switched off here.",
    )
    KEY_PAUSED = _request(
        "key_paused",
        "The RTB key is paused: set `paused: false` on the key.",
        fault=_OWN,
        safe="This RTB key is paused.",
    )
    CAMPAIGN_PAUSED = _request(
        "campaign_paused",
        "The campaign is paused: set `paused: false` on the campaign.",
        fault=_OWN,
        safe="This campaign is paused.",
    )
    PUBLISHER_UNKNOWN = _request(
        "publisher_unknown",
        "No publisher has this publisher_id: add it to the company, or correct the posting URL.",
        safe="This publisher_id is not known here. Check the posting URL.",
    )
    PUBLISHER_PAUSED = _request(
        "publisher_paused",
        "The publisher is paused: set `paused: false` on the publisher.",
        fault=_OWN,
        safe="This publisher is paused.",
    )
    REQUIRED_TAG_MISSING = _request(
        "required_tag_missing",
        "A tag that the company requires is missing from the ping: send it, or set `required: false`.",
        safe="A required parameter is missing.",
    )
    NUMBER_UNAVAILABLE = _request(
        "number_unavailable",
        "There is no number to answer with: add a number to the campaign, or configure a SIP domain.",
        fault=_OWN,
        safe="There is no number to send this call to.",
    )

    # A buyer was not considered
    NOT_CONSIDERED = _buyer("not_considered", _E, _NO, "The ping ended before this buyer was looked at.")
    NOT_ASKED_DUPLICATE = _buyer(
        "not_asked_duplicate",
        _D,
        _NO,
        "The ping was a duplicate: the caller's open reservation was returned instead.",
    )

    # A buyer could not take this call
    BUYER_PAUSED = _buyer("buyer_paused", _E, _OWN, "The buyer is paused: set `paused: false` on the buyer.")
    BUYER_CLOSED = _buyer(
        "buyer_closed",
        _E,
        _BUY,
        "The buyer is closed at this hour: see its `hours` and `time_zone`.",
        safe="Closed at this hour.",
        retry=True,
    )
    BUYER_ON_HOLIDAY = _buyer(
        "buyer_on_holiday",
        _E,
        _BUY,
        "Today is a public holiday on which the buyer is closed: see its `holidays`.",
        safe="Closed for a public holiday.",
    )
    FILTER_NOT_MATCHED = _buyer(
        "filter_not_matched",
        _E,
        _NO,
        "The caller does not match one of the buyer's filters.",
        safe="The caller does not match what is wanted.",
    )
    FILTER_TAG_MISSING = _buyer(
        "filter_tag_missing",
        _E,
        _PUB,
        "A filter of the buyer needs a tag that the ping does not have: have the publisher send it.",
        safe="A parameter that is wanted was not sent.",
    )
    FILTER_VALUE_UNREADABLE = _buyer(
        "filter_value_unreadable",
        _E,
        _PUB,
        "A tag that a filter compares is not of its declared type.",
        safe="A parameter is not of the type that is wanted.",
    )
    BUYER_CONCURRENCY_CAP_FULL = _buyer(
        "buyer_concurrency_cap_full",
        _E,
        _BUY,
        "The buyer has as many calls at once as its concurrency cap allows.",
        retry=True,
    )
    BUYER_HOURLY_CAP_FULL = _buyer(
        "buyer_hourly_cap_full",
        _E,
        _BUY,
        "The buyer's hourly cap is reached; it opens again with its next hour.",
        retry=True,
    )
    BUYER_DAILY_CAP_FULL = _buyer(
        "buyer_daily_cap_full", _E, _BUY, "The buyer's daily cap is reached; it opens again with its next day."
    )
    BUYER_MONTHLY_CAP_FULL = _buyer(
        "buyer_monthly_cap_full", _E, _BUY, "The buyer's monthly cap is reached; it opens again with its next month."
    )
    BUYER_TOTAL_CAP_FULL = _buyer(
        "buyer_total_cap_full", _E, _BUY, "The buyer's total cap is reached: raise `caps.total` to send more."
    )
    GROUP_CONCURRENCY_CAP_FULL = _buyer(
        "group_concurrency_cap_full",
        _E,
        _BUY,
        "A group of the buyer has as many calls at once as its cap allows.",
        retry=True,
    )
    GROUP_HOURLY_CAP_FULL = _buyer(
        "group_hourly_cap_full", _E, _BUY, "The hourly cap of a group of the buyer is reached.", retry=True
    )
    GROUP_DAILY_CAP_FULL = _buyer("group_daily_cap_full", _E, _BUY, "The daily cap of a group of the buyer is reached.")
    GROUP_MONTHLY_CAP_FULL = _buyer(
        "group_monthly_cap_full", _E, _BUY, "The monthly cap of a group of the buyer is reached."
    )
    GROUP_TOTAL_CAP_FULL = _buyer("group_total_cap_full", _E, _BUY, "The total cap of a group of the buyer is reached.")

    # Asking the buyer
    ASK_NO_TIME = _buyer(
        "ask_no_time",
        _A,
        _RB,
        "Too little of the key's timeout was left to ask this buyer: raise `timeout_seconds`.",
        retry=True,
    )
    ASK_LEFT_OUT = _buyer("ask_left_out", _A, _NO, "The buyer was not asked: this was a test without asking buyers.")
    ASK_BREAKER_OPEN = _buyer(
        "ask_breaker_open",
        _A,
        _BUY,
        "The buyer's address failed several times in a row and is being left alone for a while.",
        retry=True,
    )
    ASK_UNBUILDABLE = _buyer(
        "ask_unbuildable", _A, _OWN, "The request to the buyer could not be built from this ping's tags."
    )
    ASK_TIMED_OUT = _buyer(
        "ask_timed_out", _A, _BUY, "The buyer did not answer within the key's `timeout_seconds`.", retry=True
    )
    ASK_ADDRESS_FORBIDDEN = _buyer(
        "ask_address_forbidden",
        _A,
        _OWN,
        "The buyer's URL leads to a private or special address, or to a port that is not allowed: where that is meant, "
        "set `outbound.allow_private` or `outbound.ports`.",
    )
    ASK_NAME_UNRESOLVED = _buyer(
        "ask_name_unresolved", _A, _BUY, "The host name in the buyer's URL could not be resolved.", retry=True
    )
    ASK_UNREACHABLE = _buyer(
        "ask_unreachable", _A, _BUY, "No connection to the buyer's address could be made, or it broke.", retry=True
    )
    ASK_TLS_FAILED = _buyer("ask_tls_failed", _A, _BUY, "The buyer's TLS certificate or handshake was refused.")
    ASK_ANSWERED_ERROR = _buyer(
        "ask_answered_error", _A, _BUY, "The buyer answered with an HTTP status other than 2xx.", retry=True
    )

    # Reading the bid
    BID_UNREADABLE = _buyer(
        "bid_unreadable", _B, _BUY, "The buyer's answer could not be read safely; the raw answer is in the trace."
    )
    BUYER_DECLINED = _buyer(
        "buyer_declined",
        _B,
        _BUY,
        "The buyer answered and declined: the webhook's `accept` was false or missing.",
        retry=True,
    )
    ANSWER_TAG_MISSING = _buyer(
        "answer_tag_missing",
        _B,
        _BUY,
        "A filter of the buyer needs a tag that its own answer was to fill and did not: see the webhook's `outputs`.",
    )
    NUMBER_UNRESOLVED = _buyer(
        "number_unresolved", _B, _BUY, "The buyer's number is a [tag] that nothing has filled, or that is no number."
    )
    DESTINATION_NOT_ALLOWED = _buyer(
        "destination_not_allowed",
        _B,
        _BUY,
        "The number that filled the buyer's [tag] leads to none of the company's `destinations`: add it there if calls "
        "may cost what they cost there.",
    )

    # What the call would bring
    QUOTE_PAYOUT_UNKNOWN = _buyer(
        "quote_payout_unknown",
        _Q,
        _OWN,
        "The conversion rule of this buyer waits for a postback, so no payout can be quoted before the call.",
        safe="Unable to determine payout until the call converts",
    )
    QUOTE_TAG_MISSING = _buyer(
        "quote_tag_missing", _Q, _BUY, "The conversion rule takes its price from a tag that nothing has filled."
    )
    QUOTE_VALUE_INVALID = _buyer(
        "quote_value_invalid",
        _Q,
        _BUY,
        "The conversion rule takes its price or seconds from a tag that is no sensible number.",
    )

    # The auction and the reservation
    WON = _buyer("won", _U, _NO, "The buyer won and holds the place.", safe="Reserved.")
    OUTBID = _buyer("outbid", _U, _NO, "Another buyer of the same priority level brings more revenue.")
    OUTPERFORMED = _buyer("outperformed", _U, _NO, "Another buyer of the same priority level earns more per call.")
    NOT_DRAWN = _buyer("not_drawn", _U, _NO, "Another buyer of the same priority level was drawn by weight.")
    LOWER_PRIORITY = _buyer("lower_priority", _U, _NO, "A buyer of a better (lower) priority level takes the call.")
    BUYER_REMOVED = _buyer("buyer_removed", _V, _OWN, "The buyer left the campaign while the ping was under way.")

    # Looking a reservation up, confirming, releasing, extending
    RESERVATION_UNKNOWN = Facts(
        "reservation_unknown",
        _L,
        _PUB,
        "No reservation with this uuid belongs to this key.",
        "No reservation with this uuid belongs to this key.",
        public=True,
    )
    RESERVATION_FLUSHED = Facts(
        "reservation_flushed",
        _L,
        _NO,
        "The record of this uuid is older than the retention time and was flushed.",
        "The record of this uuid is older than the retention time and was flushed.",
        public=True,
    )
    RESERVATION_OVER = Facts(
        "reservation_over",
        _L,
        _PUB,
        "The reservation is over: it expired, was released, or its call has arrived.",
        "The reservation is over: it expired, was released, or its call has arrived. Ping again.",
        public=True,
    )
    CAPS_FILLED = Facts(
        "caps_filled",
        _V,
        _BUY,
        "The buyer's caps filled between the reservation and its confirmation.",
        "No buyer is available for this call any more.",
        public=True,
        retry=True,
    )
    STATUS_INVALID = Facts(
        "status_invalid",
        _L,
        _PUB,
        "Send status=confirmed, or ttl_seconds, and nothing else.",
        "Send status=confirmed, or ttl_seconds, and nothing else.",
        public=True,
    )
    TTL_INVALID = Facts(
        "ttl_invalid",
        _L,
        _PUB,
        "ttl_seconds must be a whole number from 1 to twice the key's TTL.",
        "ttl_seconds must be a whole number from 1 to twice the key's TTL.",
        public=True,
    )
    ALREADY_EXTENDED = Facts(
        "already_extended",
        _L,
        _PUB,
        "A reservation can be extended once.",
        "A reservation can be extended once.",
        public=True,
    )

    # Calls and conversions: their texts are in `call_facts`
    CALL_CLAIMED = on_calls.CALL_CLAIMED
    CALL_LATE = on_calls.CALL_LATE
    CALL_DIRECT = on_calls.CALL_DIRECT
    CALLER_DIFFERS = on_calls.CALLER_DIFFERS
    INBOUND_UNKNOWN = on_calls.INBOUND_UNKNOWN
    CALL_CAMPAIGN_PAUSED = on_calls.CALL_CAMPAIGN_PAUSED
    CALL_REJECTED_LATE = on_calls.CALL_REJECTED_LATE
    CALL_PUBLISHER_PAUSED = on_calls.CALL_PUBLISHER_PAUSED
    CALL_NOT_TAKEN = on_calls.CALL_NOT_TAKEN
    RINGS = on_calls.RINGS
    TOOK_CALL = on_calls.TOOK_CALL
    IN_RESERVE = on_calls.IN_RESERVE
    ONLY_RESERVED_BUYER = on_calls.ONLY_RESERVED_BUYER
    OTHER_BUYER_ANSWERED = on_calls.OTHER_BUYER_ANSWERED
    BUYER_BUSY = on_calls.BUYER_BUSY
    BUYER_NO_ANSWER = on_calls.BUYER_NO_ANSWER
    BUYER_REFUSED_CALL = on_calls.BUYER_REFUSED_CALL
    BUYER_UNREACHABLE = on_calls.BUYER_UNREACHABLE
    BUYER_CALL_FAILED = on_calls.BUYER_CALL_FAILED
    BUYER_HUNG_UP_EARLY = on_calls.BUYER_HUNG_UP_EARLY
    BUYER_HANDED_BACK = on_calls.BUYER_HANDED_BACK
    CALLER_HUNG_UP = on_calls.CALLER_HUNG_UP
    NOBODY_ANSWERED = on_calls.NOBODY_ANSWERED
    CALL_UNHEARD = on_calls.CALL_UNHEARD
    CONVERTED = on_calls.CONVERTED
    CALL_TOO_SHORT = on_calls.CALL_TOO_SHORT
    CONVERTED_BEFORE = on_calls.CONVERTED_BEFORE
    NO_CONVERSION_RULE = on_calls.NO_CONVERSION_RULE
    PAYOUT_WITHHELD = on_calls.PAYOUT_WITHHELD
    POSTBACK_AWAITED = on_calls.POSTBACK_AWAITED
    POSTBACK_MISSED = on_calls.POSTBACK_MISSED
    REVENUE_MISSED = on_calls.REVENUE_MISSED
    RECORD_MISSING = on_calls.RECORD_MISSING
    REPORTED_CONVERTED = on_calls.REPORTED_CONVERTED
    CONVERTED_BY_HAND = on_calls.CONVERTED_BY_HAND
    CALL_UNKNOWN = on_calls.CALL_UNKNOWN
    ACCESS_KEY_UNKNOWN = on_calls.ACCESS_KEY_UNKNOWN
    ACCESS_NOT_ALLOWED = on_calls.ACCESS_NOT_ALLOWED
    CALL_NOT_LIVE = on_calls.CALL_NOT_LIVE
    HAND_BACK_LATE = on_calls.HAND_BACK_LATE
    ACCESS_LATE = on_calls.ACCESS_LATE
    CONVERSION_DECIDED = on_calls.CONVERSION_DECIDED
    CONVERSION_NOT_AWAITED = on_calls.CONVERSION_NOT_AWAITED
    CALL_REQUEST_INVALID = on_calls.CALL_REQUEST_INVALID
    TAG_RESERVED = on_calls.TAG_RESERVED
    SIDE_INVALID = on_calls.SIDE_INVALID
    HAND_BACK_UNSUPPORTED = on_calls.HAND_BACK_UNSUPPORTED
    NETWORK_UNREACHABLE = on_calls.NETWORK_UNREACHABLE

    # The ledger: their texts are in `ledger_facts`
    NOTHING_BOOKED = on_ledger.NOTHING_BOOKED
    ALREADY_VOIDED = on_ledger.ALREADY_VOIDED
    AMOUNT_OUT_OF_RANGE = on_ledger.AMOUNT_OUT_OF_RANGE
    AMOUNT_UNCHANGED = on_ledger.AMOUNT_UNCHANGED
    ADJUSTMENT_CURRENCY_DIFFERS = on_ledger.ADJUSTMENT_CURRENCY_DIFFERS
    ADJUSTMENT_ACCOUNT_UNCLEAR = on_ledger.ADJUSTMENT_ACCOUNT_UNCLEAR
    NOTE_INVALID = on_ledger.NOTE_INVALID

    @property
    def code(self) -> str:
        """The stable word for this cause."""
        return self.value.code

    @property
    def stage(self) -> Stage:
        return self.value.stage

    @property
    def fault(self) -> Fault:
        return self.value.fault

    @property
    def public(self) -> bool:
        """May the publisher read this code? Otherwise it reads `no_buyer_available`."""
        return self.value.public

    @property
    def retry(self) -> bool:
        return self.value.retry

    @property
    def text(self) -> str:
        """One sentence for the owner: what happened and what mends it."""
        return self.value.text

    @property
    def safe_text(self) -> str:
        """One sentence for the publisher."""
        return self.value.safe_text

    @property
    def safe_code(self) -> str:
        """The code a publisher may read."""
        return self.value.code if self.value.public else Reason.NO_BUYER_AVAILABLE.value.code


BY_CODE = {reason.code: reason for reason in Reason}
