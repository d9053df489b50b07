"""`/problems`: what each code of a problem or a refusal means."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import PathParameter

from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.problems import CODES, TYPES, not_found
from ringbid.edge.api.v1.reasons_told import Code
from ringbid.edge.api.v1.routes import operation
from ringbid.values.reason import BY_CODE

_TAG = "Problems"


class CodeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A code, and what it means. `stage` and `fault` are those of a refusal of the exchange: where it happened, and who
    can do something about it."""

    type: str
    code: Code
    text: str
    stage: str | None
    fault: str | None


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """Every code there is."""

    data: list[CodeTold]


@operation("GET", "/problems", policy=Policy.PUBLIC, tag=_TAG)
async def list_codes() -> Codes:
    """Every code of a problem or a refusal."""
    return Codes(data=[_told(code) for code in (*CODES, *BY_CODE)])


@operation("GET", "/problems/{code:str}", policy=Policy.PUBLIC, tag=_TAG)
async def explain_code(code: Annotated[str, PathParameter(description="A problem's `code`.")]) -> CodeTold:
    """What a code means, and what mends it."""
    if code not in CODES and code not in BY_CODE:
        raise not_found()
    return _told(code)


def _told(code: str) -> CodeTold:
    if code in CODES:
        return CodeTold(type=f"{TYPES}{code}", code=code, text=CODES[code], stage=None, fault=None)
    reason = BY_CODE[code]
    return CodeTold(
        type=f"{TYPES}{code}", code=code, text=reason.text, stage=reason.stage.value, fault=reason.fault.value
    )


HANDLERS = [list_codes, explain_code]
