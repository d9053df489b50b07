"""Notes that a call has changed, or what is booked for it, in the transaction of the change: its journey is folded
again. Written by `calls` and `ledger`, read by `journeys`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ringbid.store.report_schema import journey_due
from ringbid.store.session import Session
from ringbid.store.statements import Insert
from ringbid.values.ids import CallId

_INSERT = Insert(journey_due)


def note(session: Session, call_ids: Sequence[CallId]) -> None:
    """These calls' journeys must be folded again."""
    session.insert(_INSERT, [(call_id,) for call_id in call_ids])
