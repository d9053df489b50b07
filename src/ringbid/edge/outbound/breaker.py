"""The circuit breaker of one endpoint: after so many failures in a row it is left alone, then tried with one probe.

Kept by `edge.outbound.pool` for each endpoint; `edge.outbound.client` asks before it sends and tells it how it went.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


@dataclass(slots=True, kw_only=True)
class Breaker:
    """Closed until `failures_allowed` failures in a row; then open for `open_seconds`; then one probes at a time."""

    failures_allowed: int
    open_seconds: float
    _failures: int = 0
    _open_until: float | None = None  # monotonic seconds; None: closed
    _probing: bool = False

    def refuse_or_admit(self, now: float) -> Refused | None:
        """None: send, and then say `succeeded`, `failed` or `abandoned`. Refused: ASK_BREAKER_OPEN."""
        if self._open_until is None:
            return None
        if now >= self._open_until and not self._probing:
            self._probing = True
            return None
        return Refused(
            Reason.ASK_BREAKER_OPEN,
            actual=f"{self._failures} failures in a row",
            expected=f"fewer than {self.failures_allowed}",
            setting="outbound.breaker_failures",
            retry_after_seconds=max(1, math.ceil(self._open_until - now)),
        )

    def succeeded(self) -> None:
        """The endpoint answered: what came before is forgotten."""
        self._failures = 0
        self._open_until = None
        self._probing = False

    def failed(self, now: float) -> None:
        """No answer, or a server error. Asks that were under way when it opened do not keep it open longer."""
        if self._open_until is not None and not self._probing:
            return
        self._failures += 1
        if self._failures >= self.failures_allowed:
            self._open_until = now + self.open_seconds
        self._probing = False

    def abandoned(self) -> None:
        """The ask was cancelled before its time was up: it says nothing; another may probe."""
        self._probing = False
