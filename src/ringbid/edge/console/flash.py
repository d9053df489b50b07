"""A line that the next page shows once: what was just done. It travels in a cookie that lives a minute."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from litestar import Response
from litestar.datastructures import Cookie

from ringbid.edge.web.office import WebRequest
from ringbid.reports.labels import Tone

_COOKIE, _MINUTE_SECONDS, _LONGEST = "flash", 60, 400
_UNDO = re.compile(r"undo=(\d{1,18})-(\d{1,18}):", re.ASCII)  # a line itself has no colon: it is quoted
_TONES: dict[str, Tone] = {"good": "good", "plain": "plain", "limit": "limit", "bad": "bad"}


@dataclass(frozen=True, slots=True)
class Flash:
    """One line, and how alarming it is. `undo`: the version of the catalog that takes it back, and the one that it made
    and that must still be in force."""

    text: str
    tone: Tone
    undo: tuple[int, int] | None = None


_Answer = TypeVar("_Answer", bound=Response[Any])


def tell_next_page(
    response: _Answer, text: str, *, tone: Tone = "good", undo: tuple[int, int] | None = None
) -> _Answer:
    """`response`, usually a redirect, with a line for the page that follows; `undo` as in `Flash`."""
    back = f"undo={undo[0]}-{undo[1]}:" if undo is not None else ""
    response.set_cookie(
        Cookie(
            key=_COOKIE,
            value=f"{tone}:{back}{quote(text[:_LONGEST])}",
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
    if not separator or tone not in _TONES:
        return None
    undo = _UNDO.match(text)
    versions = (int(undo[1]), int(undo[2])) if undo is not None else None
    return Flash(unquote(text[undo.end() if undo else 0 :])[:_LONGEST], _TONES[tone], versions)


FORGET = Cookie(key=_COOKIE, value="", max_age=0, path="/", httponly=True, samesite="lax")
