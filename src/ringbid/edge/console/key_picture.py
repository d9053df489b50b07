"""What a key's timeout and TTL mean, as a drawing: how long buyers have, when the publisher has its answer, and how
long the number waits. Drawn by the server; the form asks for it again while somebody writes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from ringbid.accounts.policy import Policy
from ringbid.edge.console.catalog_texts import number_of
from ringbid.edge.console.pages import fragment
from ringbid.edge.web.office import WebRequest
from ringbid.values.clock import Deadline

_WIDTH = 1000
_DEFAULT_TIMEOUT, _DEFAULT_TTL = Decimal(5), Decimal(15)


@dataclass(frozen=True, slots=True)
class KeyPicture:
    """Lengths are of a drawing that is 1000 wide: the whole is the timeout and then the TTL."""

    buyers_seconds: str
    answer_seconds: str
    ttl_seconds: str
    buyers_width: int
    answer_at: int

    @property
    def sentence(self) -> str:
        return (
            f"Buyers get {self.buyers_seconds} s, the publisher has its answer within {self.answer_seconds} s, "
            f"and the number is held {self.ttl_seconds} s from then."
        )


def key_picture(timeout: str, ttl: str) -> KeyPicture:
    """The picture of these two fields; of the defaults where one is no number."""
    timeout_seconds, ttl_seconds = _positive(timeout, _DEFAULT_TIMEOUT), _positive(ttl, _DEFAULT_TTL)
    asks_end = Deadline.start(arrived_at=0, timeout_seconds=float(timeout_seconds)).asks_end_at
    whole = float(timeout_seconds + ttl_seconds)
    return KeyPicture(
        buyers_seconds=_shown(Decimal(str(round(asks_end, 3)))),
        answer_seconds=_shown(timeout_seconds),
        ttl_seconds=_shown(ttl_seconds),
        buyers_width=int(asks_end / whole * _WIDTH),
        answer_at=int(float(timeout_seconds) / whole * _WIDTH),
    )


@get("/key-picture", opt={"policy": Policy.READ})
async def draw_key(
    request: WebRequest, timeout_seconds: FromQuery[str] = "", ttl_seconds: FromQuery[str] = ""
) -> Template:
    """The picture alone, for the form."""
    return fragment(request, "catalog/key_picture.html", picture=key_picture(timeout_seconds, ttl_seconds))


def _positive(text: str, otherwise: Decimal) -> Decimal:
    number = number_of(text)
    return Decimal(number) if isinstance(number, int | Decimal) and 0 < number <= 3600 else otherwise


def _shown(seconds: Decimal) -> str:
    return f"{seconds:.1f}" if seconds != int(seconds) else f"{int(seconds)}"


HANDLERS = [draw_key]
