"""Which HTTP status a refusal has: the one table. What is not here is 422: the request was understood and is wrong."""

from __future__ import annotations

from ringbid.values.reason import Reason

STATUS_OF: dict[Reason, int] = {
    Reason.BODY_UNREADABLE: 400,
    Reason.ENCODING_INVALID: 400,
    Reason.KEY_MISSING: 401,
    Reason.KEY_UNKNOWN: 401,
    Reason.ACCESS_KEY_UNKNOWN: 401,
    Reason.ACCESS_NOT_ALLOWED: 403,
    Reason.RESERVATION_UNKNOWN: 404,
    Reason.CALL_UNKNOWN: 404,
    Reason.METHOD_NOT_ALLOWED: 405,
    Reason.BODY_TOO_SLOW: 408,
    Reason.IDEMPOTENCY_KEY_IN_FLIGHT: 409,
    Reason.RESERVATION_OVER: 409,
    Reason.ALREADY_EXTENDED: 409,
    Reason.ACCESS_LATE: 409,
    Reason.CALL_NOT_LIVE: 409,
    Reason.HAND_BACK_LATE: 409,
    Reason.CONVERSION_DECIDED: 409,
    Reason.CONVERSION_NOT_AWAITED: 409,
    Reason.POSTBACK_MISSED: 409,
    Reason.RESERVATION_FLUSHED: 410,
    Reason.BODY_TOO_LARGE: 413,
    Reason.BODY_TYPE_UNSUPPORTED: 415,
    Reason.RATE_LIMITED: 429,
    Reason.HAND_BACK_UNSUPPORTED: 501,
    Reason.OVERLOADED: 503,
    Reason.NETWORK_UNREACHABLE: 503,
    Reason.STORE_UNAVAILABLE: 503,
}


def status_of(reason: Reason) -> int:
    """The HTTP status of a request that was refused for `reason`."""
    return STATUS_OF.get(reason, 422)
