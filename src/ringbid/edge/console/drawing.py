"""Shapes that templates draw as SVG: the content policy allows no style attribute, so lengths are coordinates."""

from __future__ import annotations

from collections.abc import Sequence


def sparkline_points(values: Sequence[float | None], *, width: int = 100, height: int = 30, top: float = 0) -> str:
    """The points of a polyline over `values`, from zero upwards; None leaves a point out. `top` is the least height of
    the scale, so that two lines in one drawing share it."""
    highest = max([top, *(value for value in values if value is not None)], default=0) or 1
    step = width / max(1, len(values) - 1)
    return " ".join(
        f"{round(index * step, 2):g},{round(height - value / highest * height, 2):g}"
        for index, value in enumerate(values)
        if value is not None
    )


def share(part: float, whole: float, *, of: int = 1000) -> int:
    """How much of `of` units `part` takes of `whole`: between 0 and `of`; at least one unit where it is not nothing."""
    if whole <= 0 or part <= 0:
        return 0
    return max(1, min(of, round(part / whole * of)))
