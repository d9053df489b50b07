"""`ringbid outbox …`: what must leave, what became of it, and what the owner can do about it.

Reading is done beside a running server; changes go through it where it owns the store (`worker.outbox_orders`).
`check_outbox` is what `ringbid doctor` says of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from ringbid import bootstrap
from ringbid.cli.checks import Finding
from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run, store_name, user_name
from ringbid.edge.control import ask_server
from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import Counts, Listed, ListedTry, Replayed, Shown
from ringbid.settings import Settings
from ringbid.store.opening import open_reader, open_store
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CallId, CompanyId
from ringbid.worker import outbox_orders
from ringbid.worker.outbox_orders import Order

LATE_MS = 60_000  # messages that are due leave within a second

_TONES = {
    MessageState.WAITING: "yellow",
    MessageState.DELIVERED: "green",
    MessageState.DEAD: "bold red",
    MessageState.DISABLED: "red",
}
_REPLAYED = {
    Replayed.WAITING.value: "will be sent again, under the same id",
    Replayed.UNKNOWN.value: "is not in the outbox",
    Replayed.UNDER_WAY.value: "is being sent just now",
    Replayed.ENDPOINT_DISABLED.value: "stays: its endpoint is disabled; see `ringbid outbox enable`",
    Replayed.UNSENDABLE.value: "stays: no request could be made of it; `ringbid outbox show` says why",
}


def list_messages(
    *,
    state: str | None,
    company: str | None,
    call: str | None,
    limit: int,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Print the newest messages that fit."""
    settings = read_settings(data=data, database=database)
    messages = run(_read_list(settings, state=state, company=company, call=call, limit=limit), settings)
    if as_json:
        _print_json([_plain(message) for message in messages])
    elif messages:
        output().print(_table(messages))
    else:
        output().print(Text("No message fits." if state or company or call else "The outbox is empty."))


def show(message_id: str, *, data: Path | None, database: str | None, as_json: bool) -> None:
    """Print one message: what is sent, and how each try went."""
    settings = read_settings(data=data, database=database)
    shown = run(_read_one(settings, message_id), settings)
    if shown is None:
        fail(f"{store_name(settings)} has no message {message_id}.", "`ringbid outbox list` shows those that it has.")
    if as_json:
        _print_json({**_plain(shown.listed), "request": shown.request, "tries_made": list(map(asdict, shown.tries))})
        return
    console = output()
    for part in _story(shown):
        console.print(part, soft_wrap=True)


def replay(
    message_ids: Sequence[str], *, company: str | None, endpoint: str | None, data: Path | None, database: str | None
) -> None:
    """Let messages wait again, or with `endpoint` all of its dead ones."""
    if bool(message_ids) == (endpoint is not None):
        raise typer.BadParameter("name messages, or the endpoint whose dead messages are meant.", param_hint="MESSAGE")
    settings = read_settings(data=data, database=database)
    if endpoint is not None:
        order: Order = {"do": outbox_orders.REPLAY_DEAD, "company": _company(settings, company), "endpoint": endpoint}
        count = _order(settings, order)["count"]
        output().print(Text(f"{count} dead message{'' if count == 1 else 's'} of {endpoint} will be sent again."))
        return
    replayed = _order(settings, {"do": outbox_orders.REPLAY, "message_ids": list(message_ids)})["replayed"]
    for message_id, what in replayed.items():
        output().print(Text(f"{message_id} {_REPLAYED[what]}."), soft_wrap=True)
    if any(what != Replayed.WAITING.value for what in replayed.values()):
        raise typer.Exit(1)


def enable(endpoint: str, *, company: str | None, data: Path | None, database: str | None) -> None:
    """Take an endpoint into use again, and send what was kept back from it."""
    settings = read_settings(data=data, database=database)
    order = {"do": outbox_orders.ENABLE, "company": _company(settings, company), "endpoint": endpoint}
    count = _order(settings, order)["count"]
    if count is None:
        fail(f"the endpoint {endpoint} is not disabled.", "`ringbid doctor` names those that are.")
    kept = f"{count} message{' that was' if count == 1 else 's that were'} kept back will be sent"
    output().print(Text(f"{endpoint} is in use again; {kept}."))


def secret(
    company: str | None,
    *,
    webhook: str | None = None,
    rotate: bool,
    drop_old: bool,
    data: Path | None,
    database: str | None,
) -> None:
    """Print the signing secrets of a company, or of its event webhook, newest first; make a new one beside the old, or
    drop the old one."""
    settings = read_settings(data=data, database=database)
    company_id = _company(settings, company)
    which = {"company": company_id, "webhook": webhook}
    order: Order = {"do": outbox_orders.SECRETS, **which, "rotate": rotate, "drop_old": drop_old}
    for value in _order(settings, order)["secrets"]:
        typer.echo(value)


def check_outbox(counts: Counts) -> Iterator[Finding]:
    """Whether what must leave leaves."""
    found = f"{counts.waiting} waiting, {counts.dead} dead, {counts.disabled} kept back"
    if counts.late_ms > LATE_MS:
        late = f"{found}; the oldest could have left {counts.late_ms // 1000} s ago"
        yield Finding("Outbox", "doubtful", late, "ringbid serve, which sends them")
    elif counts.dead:
        mend = "ringbid outbox list --state dead, and ringbid outbox replay MESSAGE"
        yield Finding("Outbox", "doubtful", found, mend)
    else:
        yield Finding("Outbox", "ok", found)
    for disabled in counts.disabled_endpoints:
        yield Finding(
            "Outbox",
            "doubtful",
            f"{disabled.endpoint} of {disabled.company_id} is disabled since {_time(disabled.disabled_at)}: "
            f"{disabled.why}",
            f"ringbid outbox enable {quote(disabled.endpoint)} --company {disabled.company_id}, or take it out of the "
            "catalog",
        )


async def _read_list(
    settings: Settings, *, state: str | None, company: str | None, call: str | None, limit: int
) -> list[Listed]:
    reader = open_reader(settings)
    try:
        return await reader.outbox.listing(
            state=None if state is None else MessageState(state),
            company_id=None if company is None else CompanyId(company),
            call_id=None if call is None else CallId(call),
            limit=limit,
        )
    finally:
        await reader.close()


async def _read_one(settings: Settings, message_id: str) -> Shown | None:
    reader = open_reader(settings)
    try:
        return await reader.outbox.show(message_id)
    finally:
        await reader.close()


def _company(settings: Settings, company: str | None) -> str:
    """The company that is meant; the only one need not be named."""
    known = sorted(run(bootstrap.read_documents(settings), settings))
    if company is None and len(known) == 1:
        return known[0]
    if company is None:
        fail("there are several companies." if known else "there is no company yet.", "Name one with --company.")
    if company not in known:
        fail(f"there is no company {company}.", f"Known are: {', '.join(known)}.")
    return company


def _order(settings: Settings, order: Order) -> Order:
    return run(carry_out(settings, {**order, "author": user_name()}), settings)


async def carry_out(settings: Settings, order: Order) -> Order:
    """The answer to `order`: of the server that owns the SQLite store, else of the store itself."""
    answer = await ask_server(settings.data, order) if settings.database is None else None
    if answer is not None:
        return answer
    store = await open_store(settings, SystemClock())
    try:
        return await outbox_orders.carry_out(store.outbox, store.audit, order)
    finally:
        await store.close()


def _table(messages: Sequence[Listed]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("message", "made", "company", "endpoint", "state", "tries", "last", "next"):
        table.add_column(name, no_wrap=name != "last")
    for message in messages:
        table.add_row(
            message.message_id,
            _time(message.created_at),
            message.company_id,
            message.endpoint,
            Text(message.state.value, _TONES[message.state]),
            str(message.tries),
            Text(_result(message.last_status, message.last_error)),
            _time(message.next_at),
        )
    return table


def _story(shown: Shown) -> Iterator[Text]:
    listed = shown.listed
    yield Text.assemble((listed.message_id, "bold"), "  ", (listed.state.value, _TONES[listed.state]))
    yield Text(f"{listed.kind} to {listed.endpoint} of {listed.company_id}, made {_time(listed.created_at)}")
    if listed.call_id is not None:
        yield Text(f"of the call {listed.call_id}")
    if listed.next_at is not None:
        yield Text(f"next try {_time(listed.next_at)}")
    yield Text(f"\n{shown.request}\n")
    yield from map(_line, shown.tries)
    if not shown.tries and listed.last_error is not None:
        yield Text(f"never sent: {listed.last_error}", "red")


def _line(one: ListedTry) -> Text:
    return Text(f"{one.number:>3}  {_time(one.at)}  {one.took_ms:>6} ms  {_result(one.status, one.error)}")


def _result(status: int | None, error: str | None) -> str:
    return f"HTTP {status}" if status is not None else error or ""


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def _plain(listed: Listed) -> dict[str, Any]:
    return {name: value for name, value in asdict(listed).items() if name != "number"}


def _print_json(document: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(document)))
