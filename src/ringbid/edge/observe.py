"""What an operator sees of the running server: counters and times for `/metrics`, and structured logs.

Called by `edge.api`. Logs never hold a query, a key or a whole phone number.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from ringbid.values.reason import Reason

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One registry for each server, so that two servers in one process do not share counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        refused = Counter(
            "ringbid_requests_refused",
            "Requests that were no ping, by reason: all that is kept of them.",
            ["reason"],
            registry=self.registry,
        )
        self._refused = {reason: refused.labels(reason.code) for reason in Reason}
        self._ping_seconds = Histogram(
            "ringbid_ping_seconds", "From a ping's arrival to its reply.", buckets=_BUCKETS, registry=self.registry
        )
        self._calls = Counter(
            "ringbid_calls",
            "Calls that arrived, by network and by what they were told: connect, or why not.",
            ["network", "told"],
            registry=self.registry,
        )
        self._call_seconds = Histogram(
            "ringbid_call_routing_seconds",
            "From a call's arrival to its answer.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._call_events = Counter(
            "ringbid_call_events", "What networks told of calls.", ["network", "kind"], registry=self.registry
        )
        self._in_flight = Gauge("ringbid_pings_in_flight", "Pings under way now.", registry=self.registry)

    def watch_in_flight(self, count: Callable[[], float]) -> None:
        """Where the number of pings under way is read, when somebody asks."""
        self._in_flight.set_function(count)

    def refuse(self, reason: Reason) -> None:
        """Count a request that was refused before it became a ping."""
        self._refused[reason].inc()

    def ping(self, seconds: float) -> None:
        """A ping was answered after `seconds`."""
        self._ping_seconds.observe(seconds)

    def call(self, network: str, told: str, seconds: float) -> None:
        """A call arrived and was answered after `seconds`."""
        self._calls.labels(network, told).inc()
        self._call_seconds.observe(seconds)

    def call_event(self, network: str, kind: str) -> None:
        """A network told what happened to a call."""
        self._call_events.labels(network, kind).inc()

    def watch_messages(self, tries: Callable[[], Mapping[str, int]]) -> None:
        """Where the tries of messages, by what came of them, are read when somebody asks."""
        self.registry.register(_Tries(tries))

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)


class _Tries(Collector):
    """The outbox's tries in this process, as its sender counts them."""

    def __init__(self, tries: Callable[[], Mapping[str, int]]) -> None:
        self._tries = tries

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "ringbid_message_tries", "Tries of messages, by what came of them.", labels=["state"]
        )
        for state, count in self._tries().items():
            family.add_metric([state], count)
        yield family


def set_up_logs(*, pretty: bool) -> None:
    """Structured lines on standard error: JSON, or readable ones on a terminal.

    Tracebacks are plain: with local variables they would show keys and phone numbers.
    """
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if pretty:
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(() if pretty else (structlog.processors.format_exc_info,)),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
