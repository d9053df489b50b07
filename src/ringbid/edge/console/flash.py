"""A line that the next page shows once: what was just done. It travels in a cookie that lives a minute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from litestar import Response
from litestar.datastructures import Cookie

from ringbid.edge.web.office import WebRequest
from ringbid.reports.labels import Tone

_COOKIE, _MINUTE_SECONDS, _LONGEST = "flash", 60, 400
_TONES: dict[str, Tone] = {"good": "good", "plain": "plain", "limit": "limit", "bad": "bad"}


@dataclass(frozen=True, slots=True)
class Flash:
    """One line, and how alarming it is."""

    text: str
    tone: Tone


_Answer = TypeVar("_Answer", bound=Response[Any])


def tell_next_page(response: _Answer, text: str, *, tone: Tone = "good") -> _Answer:
    """`response`, usually a redirect, with a line for the page that follows."""
    response.set_cookie(
        Cookie(
            key=_COOKIE,
            value=f"{tone}:{quote(text[:_LONGEST])}",
            max_age=_MINUTE_SECONDS,
            path="/",
            httponly=True,
            samesite="lax",
        )
    )
    return response


def read_flash(request: WebRequest) -> Flash | None:
    """The line that the page before left; None where there is none. Whoever shows it takes it away: `FORGET`."""
    tone, separator, text = request.cookies.get(_COOKIE, "").partition(":")
    return Flash(unquote(text)[:_LONGEST], _TONES[tone]) if separator and tone in _TONES else None


FORGET = Cookie(key=_COOKIE, value="", max_age=0, path="/", httponly=True, samesite="lax")
