"""`ringbid call …`: the newest calls, and converting one by hand.

Reading is done beside a running server; a conversion goes through it where it owns the store (`worker.call_orders`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from ringbid.call.by_hand import ByHand
from ringbid.call.ports import CallQuery, StoredCall
from ringbid.call.state import Phase
from ringbid.catalog.model import Campaign
from ringbid.catalog.phone_parsing import parse_phone
from ringbid.catalog.snapshot import CompanyView, Snapshot, build_snapshot
from ringbid.catalog.validate import read_stored
from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run, user_name
from ringbid.edge.control import ask_server
from ringbid.ledger.entry import Side
from ringbid.routing.plan import CampaignPlan, compile_plan
from ringbid.settings import Settings
from ringbid.store.opening import open_reader, open_store
from ringbid.values.author import Author
from ringbid.values.clock import SystemClock, format_utc
from ringbid.values.ids import BuyerId, CallId, CampaignId, CompanyId, PublisherId, RandomPool, parse_ping_id
from ringbid.values.money import format_micros, micros_from_decimal, parse_decimal
from ringbid.values.phone import PhoneNumber
from ringbid.values.verdict import Refused
from ringbid.worker import call_orders
from ringbid.worker.call_orders import Order

_TONES = {Phase.CONNECTED: "green", Phase.RINGING: "yellow", Phase.ROUTING: "yellow", Phase.REFUSED: "red"}


class _Plans:
    """The catalogs as they stand while a command runs. Implements `call.ports.CallPlans`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def plan_for(self, company: CompanyView, campaign: Campaign) -> CampaignPlan:
        return compile_plan(company, campaign)


def list_calls(
    *,
    company: str | None,
    campaign: str | None,
    publisher: str | None,
    buyer: str | None,
    caller: str | None,
    phase: str | None,
    limit: int,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Print the newest calls that fit."""
    settings = read_settings(data=data, database=database)
    query = CallQuery(
        company_id=None if company is None else CompanyId(company),
        campaign_id=None if campaign is None else CampaignId(campaign),
        publisher_id=None if publisher is None else PublisherId(publisher),
        buyer_id=None if buyer is None else BuyerId(buyer),
        caller_number=None if caller is None else _number(caller),
        phase=None if phase is None else Phase(phase),
        limit=limit,
    )
    calls = run(_read(settings, query), settings)
    rows = [_row(call) for call in calls]
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    elif calls:
        output().print(_table(calls, rows))
    else:
        output().print(Text("No call fits."))


def convert(
    call: str,
    *,
    side: Side,
    amount: str | None,
    note: str,
    author: str | None,
    attempt: int | None,
    data: Path | None,
    database: str | None,
) -> None:
    """Convert a side of a call that did not convert by itself: for `amount`, or for what was quoted."""
    settings = read_settings(data=data, database=database)
    call_id = parse_ping_id(call.strip())
    if call_id is None:
        raise typer.BadParameter(f"{call!r} is no uuid of a call.", param_hint="UUID")
    wanted = ByHand(
        call_id=CallId(call_id),
        side=side,
        author=Author(name=author or user_name()),
        note=note,
        amount_micros=None if amount is None else _micros(amount),
        attempt=attempt,
    )
    answer = call_orders.read_answer(run(_order(settings, call_orders.order_of(wanted)), settings))
    if isinstance(answer, Refused):
        facts = [f"{name}: {fact}" for name, fact in (("found", answer.actual), ("expected", answer.expected)) if fact]
        fail(answer.reason.text, *facts)
    of_attempt = f"attempt {answer.attempt}, {answer.account}"
    output().print(Text(f"Booked: {answer.side} of {answer.amount} ({of_attempt})"), soft_wrap=True)


async def _read(settings: Settings, query: CallQuery) -> list[StoredCall]:
    reader = open_reader(settings)
    try:
        return await reader.calls.list_calls(query)
    finally:
        await reader.close()


async def _order(settings: Settings, order: Order) -> Order:
    """Through the server that owns the SQLite store; directly where none runs, or on PostgreSQL."""
    answer = await ask_server(settings.data, order) if settings.database is None else None
    if answer is not None:
        return answer
    store = await open_store(settings, SystemClock())
    try:
        version, heads = await store.catalog_heads()
        plans = _Plans(build_snapshot(version, [read_stored(document) for _, document in heads]))
        return await call_orders.carry_out(store.calls, plans, RandomPool(), order)
    finally:
        await store.close()


def _row(call: StoredCall) -> dict[str, Any]:
    """What is listed of a call, as JSON has it."""
    state = call.state
    return {
        "uuid": call.call_id,
        "received_at": format_utc(call.received_at),
        "company": call.company_id,
        "campaign": call.campaign_id,
        "publisher": call.publisher_id or None,
        "caller": call.caller_number,
        "phase": state.phase.value,
        "how": call.trace.match,
        "buyer": state.buyer_id,
        "attempts": len(state.attempts),
        "duration_ms": state.duration_ms,
        "revenue": _earned([one.revenue.amount_micros for one in state.attempts]),
        "payout": _earned([one.payout.amount_micros for one in state.attempts]),
        "currency": call.trace.currency,
        "reason": state.reason,
    }


def _earned(micros: Sequence[int]) -> str:
    return format_micros(sum(micros))


def _table(calls: Sequence[StoredCall], rows: Sequence[dict[str, Any]]) -> Table:
    """Two lines for each call, so that a uuid stands whole in eighty columns."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("received\ntalked", "call", "phase\nbuyer"):
        table.add_column(name, overflow="fold")
    table.add_column("revenue\npayout", justify="right", no_wrap=True)
    for call, row in zip(calls, rows, strict=True):
        phase, talked_ms = call.state.phase, row["duration_ms"]
        talked = "" if talked_ms is None else f"{talked_ms // 100 / 10:.1f} s"
        table.add_row(
            Text(f"{call.received_at:%m-%d %H:%M:%S}\n{talked}"),
            Text(row["uuid"]).append(f"\n{row['campaign']}, {row['caller'] or 'number withheld'}", "dim"),
            Text(phase.value, _TONES.get(phase, "")).append(f"\n{row['buyer'] or row['reason'] or ''}", ""),
            Text(f"{row['revenue']}\n{row['payout']}"),
        )
    return table


def _number(text: str) -> PhoneNumber:
    number = parse_phone(text)
    if number is None:
        raise typer.BadParameter(f"{text!r} is no phone number such as +12125550123.", param_hint="--caller")
    return number


def _micros(text: str) -> int:
    number = parse_decimal(text)
    micros = None if number is None else micros_from_decimal(number)
    if micros is None:
        raise typer.BadParameter(f"{text!r} is no amount with at most six decimals.", param_hint="--amount")
    return micros
