"""Percentiles of measured values, by the nearest rank: always a value that was measured, never one in between."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest of `ordered` (ascending) that at least `percent` (above 0, at most 100) of them do not exceed."""
    if not ordered:
        return 0.0
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


def median(values: Sequence[float]) -> float:
    """The middle one of a few runs (the lower of the two middle ones)."""
    return percentile(sorted(values), 50)
