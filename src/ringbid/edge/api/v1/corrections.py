"""`/calls/{uuid}/conversions`, `/adjustments` and `/voids`: money that a person, or its program, decides.

The same services as `ringbid call convert`, `ringbid ledger adjust` and `void`. Nothing booked is ever changed: each of
these books one posting more, with an author and a note.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Any, TypeVar

import msgspec

from ringbid.accounts.audit import author_of
from ringbid.accounts.keys import Scope
from ringbid.accounts.policy import Policy
from ringbid.call.by_hand import ByHand, convert_call
from ringbid.call.ports import StoredCall
from ringbid.edge.api.v1.amounts import Amount, Decimals, amount_of
from ringbid.edge.api.v1.call_told import SideName
from ringbid.edge.api.v1.catalog_writes import body_of
from ringbid.edge.api.v1.idempotency import HEADER
from ringbid.edge.api.v1.pings import UuidPath
from ringbid.edge.api.v1.problems import ApiError, Wrong, invalid, not_found, refused
from ringbid.edge.api.v1.routes import BODY, operation
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.ledger.correcting import LONGEST_NOTE, Adjust, Correction, Void
from ringbid.ledger.entry import parse_account
from ringbid.reports.telling import find_call
from ringbid.values.money import MAX_MICROS, MICROS_PER_UNIT, Money, micros_from_decimal, parse_decimal
from ringbid.values.verdict import Refused

_TAG = "Calls"
_Form = TypeVar("_Form", bound=msgspec.Struct)
_EXPECTED = f"a number up to {MAX_MICROS // MICROS_PER_UNIT}, with 6 decimals at most"
_ACCOUNTS = "buyer/ID or publisher/ID"
Note = Annotated[
    str, msgspec.Meta(min_length=1, max_length=LONGEST_NOTE, description="Why. It stands in the statement.")
]


class CallConversionForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A side of a call converts. Without an `amount`, for what was quoted; without an `attempt`, that of the last buyer
    that had the call, else of the last that was rung; they count from 1."""

    side: SideName
    note: Note
    amount: Decimals | None = None
    attempt: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None


class AdjustmentForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is booked on a side becomes `set_to`, or changes by `change_by` (below zero: less): one of the two.
    `account` may be left out where only one buyer or publisher is concerned."""

    side: SideName
    note: Note
    set_to: Amount | None = None
    change_by: Amount | None = None
    account: Annotated[str, msgspec.Meta(max_length=200, description=f"{_ACCOUNTS}.")] | None = None


class VoidForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All that is booked on a side of a call is taken back."""

    side: SideName
    note: Note


class AccountChange(msgspec.Struct, frozen=True, kw_only=True):
    """What was added to what a buyer owes, or a publisher is paid. Below zero: taken away."""

    account: str
    amount: Amount


class PostingTold(msgspec.Struct, frozen=True, kw_only=True):
    """What was booked."""

    call_uuid: str
    side: SideName
    author: str
    note: str
    changes: list[AccountChange]


def _correcting(path: str, form: type[msgspec.Struct]) -> Callable[[Callable[..., Any]], Any]:
    return operation(
        "POST",
        f"/calls/{{uuid:str}}/{path}",
        policy=Policy.MANAGE,
        scope=Scope.LEDGER,
        tag=_TAG,
        fails=BODY,
        takes=form,
    )


@_correcting("conversions", CallConversionForm)
async def convert_call_by_hand(request: WebRequest, uuid: UuidPath) -> PostingTold:
    """Let a side of a call convert that did not by itself.

    Whoever is told of conversions is told. A side that has converted is a 409: adjust it, or void it first.
    """
    form = await _read(request, CallConversionForm)
    call = await _find(request, uuid)
    wanted = ByHand(
        call_id=call.call_id,
        side=form.side,
        author=author_of(actor_of(request)),
        note=form.note,
        amount_micros=None if form.amount is None else _micros("amount", form.amount),
        attempt=form.attempt,
    )
    office = office_of(request)
    done = await convert_call(office.calls, wanted, plans=office.plans, random_bytes=office.random_bytes)
    if isinstance(done, Refused):
        raise refused(done)
    office.on_message()
    return PostingTold(
        call_uuid=done.call_id,
        side=done.side,
        author=wanted.author.name,
        note=wanted.note,
        changes=[AccountChange(account=done.account, amount=amount_of(done.amount))],
    )


@_correcting("adjustments", AdjustmentForm)
async def adjust_call(request: WebRequest, uuid: UuidPath) -> PostingTold:
    """Change what is booked on a side of a call.

    Sent again with its `Idempotency-Key`, it books nothing more, also after the 24 hours in which the answer is kept.
    """
    form = await _read(request, AdjustmentForm)
    if (form.set_to is None) == (form.change_by is None):
        raise ApiError(422, errors=[Wrong(at="set_to", expected="either set_to or change_by")])
    account = None if form.account is None else parse_account(form.account)
    if form.account is not None and account is None:
        raise invalid("account", actual=form.account, expected=_ACCOUNTS)
    call = await _find(request, uuid)
    return await _correct(
        request,
        Adjust(
            company_id=call.company_id,
            call_id=call.call_id,
            side=form.side,
            key=_key(request),
            author=author_of(actor_of(request)),
            note=form.note,
            set_to=_money("set_to.amount", form.set_to),
            change_by=_money("change_by.amount", form.change_by),
            account=account,
        ),
    )


@_correcting("voids", VoidForm)
async def void_call(request: WebRequest, uuid: UuidPath) -> PostingTold:
    """Take back all that is booked on a side of a call.

    It can convert again afterwards, by hand.
    """
    form = await _read(request, VoidForm)
    call = await _find(request, uuid)
    return await _correct(
        request,
        Void(
            company_id=call.company_id,
            call_id=call.call_id,
            side=form.side,
            key=_key(request),
            author=author_of(actor_of(request)),
            note=form.note,
        ),
    )


async def _correct(request: WebRequest, correction: Correction) -> PostingTold:
    done = await office_of(request).ledger.correct(correction)
    if isinstance(done, Refused):
        raise refused(done)
    office_of(request).on_message()
    posting = done.posting
    return PostingTold(
        call_uuid=posting.call_id,
        side=posting.side,
        author=posting.author,
        note=posting.note,
        changes=[
            AccountChange(account=account, amount=amount_of(Money(micros, posting.currency)))
            for account, micros in posting.shares.items()
        ],
    )


async def _read(request: WebRequest, form: type[_Form]) -> _Form:
    return msgspec.convert(await body_of(request, form), form)


async def _find(request: WebRequest, uuid: str) -> StoredCall:
    call = await find_call(office_of(request).calls, actor_of(request).company_id, uuid)
    if call is None:
        raise not_found()
    return call


def _key(request: WebRequest) -> str:
    """What the ledger books once: the Idempotency-Key of this program, or one of its own."""
    sent = request.headers.get(HEADER)
    if sent is None:
        return f"api {office_of(request).random_bytes(16).hex()}"
    return f"api {sha256(f'{actor_of(request).user_id} {sent}'.encode()).hexdigest()}"


def _money(at: str, amount: Amount | None) -> Money | None:
    return None if amount is None else Money(_micros(at, amount.amount), amount.currency)


def _micros(at: str, text: str) -> int:
    number = parse_decimal(text)
    micros = None if number is None else micros_from_decimal(number)
    if micros is None or abs(micros) > MAX_MICROS:
        raise invalid(at, actual=text, expected=_EXPECTED)
    return micros


HANDLERS = [convert_call_by_hand, adjust_call, void_call]
