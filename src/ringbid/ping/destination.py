"""Which number the publisher is told to send the call to."""

from __future__ import annotations

from ringbid.ping.request import PingRequest
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


def choose_destination(request: PingRequest, *, sip_domain: str | None) -> str | Refused:
    """The request's `inbound_number`, else the key's, else the campaign's first number, else the ping's own SIP
    address.

    A call without a caller number cannot be told apart on a number that many calls come in on, so a campaign's number
    is not given out for it: such a ping gets its SIP address.
    """
    named = request.inbound_number or request.view.key.inbound_number
    if named is not None:
        return named
    numbers = request.view.campaign.numbers
    if numbers and request.caller_number is not None:
        return numbers[0].number
    if sip_domain is not None:
        return f"sip:{request.ping_id}@{sip_domain}"
    if numbers:
        return Refused(
            Reason.NUMBER_UNAVAILABLE,
            actual="no caller_number, no SIP domain",
            expected="a caller_number, an inbound_number of the key, or the setting sip.domain",
            setting=f"{request.view.setting}.inbound_number",
        )
    return Refused(
        Reason.NUMBER_UNAVAILABLE,
        actual="no number, no SIP domain",
        expected="a number of the campaign, or the setting sip.domain",
        setting=f"campaigns[{request.view.campaign.id}].numbers",
    )
