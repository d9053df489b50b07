"""What calls are told is counted, so that an operator sees it without reading logs."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from ringbid.call.event import Arrival, CallEvent
from ringbid.call.instruction import Connect, Over, Refuse, Routing
from ringbid.edge.observe import Metrics
from ringbid.edge.telephony.counting import CountingDesk
from ringbid.values.ids import CallId
from ringbid.values.phone import PhoneNumber
from ringbid.values.reason import Reason
from support.clocks import START, JumpingClock


class OneAnswer:
    """A desk that always says the same."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing

    async def arrive(self, arrival: Arrival) -> Routing:
        return self._routing

    async def go_on(self, provider: str, provider_call_id: str) -> Routing:
        return self._routing

    async def report(self, event: CallEvent) -> None:
        """Nothing follows."""


def rendered(routing: Routing) -> str:
    metrics, clock = Metrics(), JumpingClock()
    desk = CountingDesk(OneAnswer(routing), metrics=metrics, clock=clock)
    metrics.watch_messages(lambda: {"delivered": 3})

    async def happen() -> None:
        arrival = Arrival(
            provider="sip",
            provider_call_id="a",
            caller_number=PhoneNumber("+12125550123"),
            dialled="+18005550199",
            reservation_id=None,
            at=START,
        )
        assert await desk.arrive(arrival) is routing
        assert await desk.go_on("sip", "a") is routing
        await desk.report(CallEvent(provider="sip", event_id="e", provider_call_id="a", kind="ended", at=START))

    asyncio.run(happen())
    return metrics.render().decode()


def test_a_call_counts_under_its_network_and_what_it_was_told() -> None:
    call_id = CallId("018fc4a9-0000-7000-8000-000000000001")
    refused = Refuse(call_id=None, reason=Reason.INBOUND_UNKNOWN, code=404)
    for routing, told in (
        (Connect(call_id=call_id, steps=()), "connect"),
        (refused, "inbound_unknown"),
        (Over(call_id=call_id), "over"),
    ):
        text = rendered(routing)
        assert f'ringbid_calls_total{{network="sip",told="{told}"}} 1.0' in text
        assert "ringbid_call_routing_seconds_count 1.0" in text


def test_events_and_tries_of_messages_are_counted() -> None:
    text = rendered(Over(call_id=CallId("018fc4a9-0000-7000-8000-000000000001")))
    assert 'ringbid_call_events_total{kind="ended",network="sip"} 1.0' in text
    assert 'ringbid_message_tries_total{state="delivered"} 3.0' in text


def test_a_call_of_which_nothing_is_kept_is_told_to_the_log_with_four_digits_of_its_numbers() -> None:
    with capture_logs() as logs:
        rendered(Refuse(call_id=None, reason=Reason.INBOUND_UNKNOWN, code=404))
    assert logs == [
        {
            "event": "call_turned_away",
            "log_level": "warning",
            "network": "sip",
            "caller": "…0123",
            "dialled": "…0199",
            "code": "inbound_unknown",
            "why": Reason.INBOUND_UNKNOWN.text,
        }
    ]


def test_a_call_that_is_written_down_needs_no_line_of_the_log() -> None:
    call_id = CallId("018fc4a9-0000-7000-8000-000000000001")
    with capture_logs() as logs:
        rendered(Refuse(call_id=call_id, reason=Reason.CALL_NOT_TAKEN, code=480))
        rendered(Connect(call_id=call_id, steps=()))
    assert logs == []
