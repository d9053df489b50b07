"""`/rtbs.json` and `/rtbs/{uuid}.json`: the ping API, from bytes to bytes.

Plain ASGI, because a framework would cost as much as the ping's own work (docs/benchmarks.md). `edge.api.app` routes
here.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from ringbid.catalog.snapshot import KeyView
from ringbid.edge.api.answering import OVERLOADED, guarded, request_parameters, send_answer, wrong_method
from ringbid.edge.api.http import Receive, Scope, Send, header
from ringbid.edge.api.rates import PublisherRates
from ringbid.edge.observe import Metrics
from ringbid.ping import followup
from ringbid.ping.flow import run_ping
from ringbid.ping.ports import PingTools
from ringbid.ping.reply import PingReply, reserved_body
from ringbid.ping.request import Parameters, find_key, read_request, single
from ringbid.reports.explain import safe_view
from ringbid.reservations.reservation import Reservation
from ringbid.settings import Limits, Retention
from ringbid.values.ids import PingId, made_at, new_ping_id, parse_ping_id
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


class RtbApi:
    """Answers the ping API. One for each server."""

    def __init__(self, *, tools: PingTools, limits: Limits, retention: Retention, metrics: Metrics) -> None:
        self._tools = tools
        self._limits = limits
        self._retention = retention
        self._metrics = metrics
        self._rates = PublisherRates(tools.clock)
        self._in_flight = 0
        metrics.watch_in_flight(lambda: self._in_flight)
        self._idempotent: set[tuple[str, str]] = set()

    async def ping(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`POST` or `GET /rtbs.json`."""
        arrived_at = self._tools.clock.monotonic()
        if scope["method"] not in ("POST", "GET"):
            await self._answer(scope, send, wrong_method(scope, "GET, POST"))
            return
        if self._in_flight >= self._limits.pings_in_flight:
            await self._answer(scope, send, OVERLOADED)
            return
        self._in_flight += 1
        try:
            answer = await guarded(self._ping(scope, receive, arrived_at))
        finally:
            self._in_flight -= 1
        await self._answer(scope, send, answer)
        self._metrics.ping(self._tools.clock.monotonic() - arrived_at)

    async def one(self, scope: Scope, receive: Receive, send: Send, *, uuid: str) -> None:
        """`GET`, `PUT`, `PATCH` or `DELETE /rtbs/{uuid}.json`."""
        await self._answer(scope, send, await guarded(self._one(scope, receive, uuid)))

    async def _ping(self, scope: Scope, receive: Receive, arrived_at: float) -> PingReply | Refused:
        parameters = await self._parameters(scope, receive)
        if isinstance(parameters, Refused):
            return parameters
        clock = self._tools.clock
        received_at = clock.now()
        request = read_request(
            parameters,
            snapshot=self._tools.plans.snapshot,
            idempotency_key=header(scope, b"idempotency-key"),
            ping_id=new_ping_id(received_at, self._tools.random_bytes),
            received_at=received_at,
            received_monotonic=arrived_at,
        )
        if isinstance(request, Refused):
            return request
        over = self._rates.refuse_if_over(request.view, request.publisher_id)
        if over is not None:
            return over
        if request.idempotency is None:
            return await run_ping(request, self._tools)
        mark = (request.view.key.id, request.idempotency.key)
        if mark in self._idempotent:
            return Refused(Reason.IDEMPOTENCY_KEY_IN_FLIGHT, retry_after_seconds=1)
        self._idempotent.add(mark)
        try:
            return await run_ping(request, self._tools)
        finally:
            self._idempotent.discard(mark)

    async def _one(self, scope: Scope, receive: Receive, uuid: str) -> PingReply | Refused:
        parameters = await self._parameters(scope, receive)
        if isinstance(parameters, Refused):
            return parameters
        view = find_key(parameters, self._tools.plans.snapshot)
        if isinstance(view, Refused):
            return view
        ping_id = parse_ping_id(uuid)
        if ping_id is None:
            return Refused(Reason.RESERVATION_UNKNOWN)
        method = scope["method"]
        if method == "GET":
            return await self._look_up(ping_id, view)
        if method == "DELETE":
            return self._moved(ping_id, await followup.release(ping_id, view, self._tools))
        if method in ("PUT", "PATCH"):
            return await self._change(ping_id, view, parameters)
        return wrong_method(scope, "GET, PUT, PATCH, DELETE")

    async def _change(self, ping_id: PingId, view: KeyView, parameters: Parameters) -> PingReply | Refused:
        status, ttl_text = single(parameters, "status"), single(parameters, "ttl_seconds")
        if status == "confirmed" and ttl_text is None:
            return self._moved(ping_id, await followup.confirm(ping_id, view, self._tools))
        if status is None and ttl_text is not None:
            return self._moved(ping_id, await followup.extend(ping_id, view, self._tools, ttl_text=ttl_text))
        sent = {"status": status, "ttl_seconds": ttl_text}
        named = (f"{name}={sent[name]}" if sent.get(name) else name for name in sorted(set(parameters) - {"key"}))
        found = ", ".join(named)[:120]
        return Refused(Reason.STATUS_INVALID, actual=found or "nothing", expected="status=confirmed, or ttl_seconds")

    async def _look_up(self, ping_id: PingId, view: KeyView) -> PingReply | Refused:
        stored = await self._tools.reservations.find(ping_id)
        if stored is None or stored.key_id != view.key.id:
            return self._unknown(ping_id)
        reservation = stored.reservation
        if reservation is None:
            body: dict[str, object] = {"uuid": ping_id, "status": stored.status}
        elif reservation.state.open:
            body = msgspec.json.decode(reserved_body(reservation, sip_domain=self._tools.sip_domain))
        else:
            body = {"uuid": ping_id, "status": reservation.state.value}
        body.update(safe_view(stored, view.key.explain))
        return PingReply(200, msgspec.json.encode(body))

    def _moved(self, ping_id: PingId, moved: Reservation | Refused) -> PingReply | Refused:
        """The answer to a confirm, release or extend."""
        if isinstance(moved, Reservation):
            if moved.state.open:
                return PingReply(200, reserved_body(moved, sip_domain=self._tools.sip_domain))
            return PingReply(200, msgspec.json.encode({"uuid": ping_id, "status": moved.state.value}))
        if moved.reason is Reason.CAPS_FILLED:
            told = {"info": moved.reason.safe_text, "code": moved.reason.safe_code}
            return PingReply(200, msgspec.json.encode({"uuid": ping_id, "status": "no-target", **told}))
        if moved.reason is Reason.RESERVATION_UNKNOWN:
            return self._unknown(ping_id)
        return moved

    def _unknown(self, ping_id: PingId) -> Refused:
        """Foreign and unknown look the same; a uuid that is older than the retention time says that it was flushed."""
        made = made_at(ping_id)
        age = self._tools.clock.now() - made if made is not None else timedelta(0)
        if age > timedelta(hours=self._retention.rtb_hours):
            return Refused(Reason.RESERVATION_FLUSHED, expected=f"at most {self._retention.rtb_hours:g} hours old")
        return Refused(Reason.RESERVATION_UNKNOWN)

    async def _parameters(self, scope: Scope, receive: Receive) -> Parameters | Refused:
        return await request_parameters(scope, receive, body_seconds=self._limits.body_seconds)

    async def _answer(self, scope: Scope, send: Send, answer: PingReply | Refused) -> None:
        await send_answer(scope, send, answer, self._metrics)
