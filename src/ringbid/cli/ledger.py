"""`ringbid ledger`: balances and statements of buyers and publishers, corrections, and a full recount."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from ringbid import bootstrap
from ringbid.catalog.model import Company
from ringbid.catalog.validate import read_stored
from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run, store_name, user_name
from ringbid.ledger.correcting import Adjust, Correction, Void
from ringbid.ledger.entry import Account, Side, parse_account
from ringbid.ledger.ports import LedgerReads, Line, Statement
from ringbid.reports import statements as report
from ringbid.settings import Settings
from ringbid.values.author import Author
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CallId, CompanyId
from ringbid.values.money import Money, micros_from_decimal, parse_decimal
from ringbid.values.verdict import Refused


def balances(company: str | None, *, data: Path | None, database: str | None) -> None:
    """Print what everybody owes or is owed."""
    settings = read_settings(data=data, database=database)
    of = _company(settings, company)
    found = run(bootstrap.read_ledger(settings, lambda ledger: ledger.balances(of.id)), settings)
    console = output()
    if not found:
        console.print(Text(f"Nothing is booked for {of.id} yet."))
        return
    table = _table(("account", "left"), ("balance", "right"), ("", "left"))
    for row in report.balance_rows(found):
        table.add_row(row.account, report.say(row.amount), row.meaning)
    console.print(table)
    for margin in report.margins(found):
        console.print(Text(f"\nRevenue less payout: {report.say(margin)}", "bold"))


def statement(
    account: str,
    *,
    company: str | None,
    first: str | None,
    last: str | None,
    currency: str | None,
    data: Path | None,
    database: str | None,
) -> None:
    """Print an account's statement from the day `first` to the day `last` (YYYY-MM-DD), both included; of this month
    where they are not given."""
    settings = read_settings(data=data, database=database)
    named = _account(account)
    of = _company(settings, company)
    zone = ZoneInfo(of.time_zone)
    last_day = _day(last, "--to") or SystemClock().now().astimezone(zone).date()
    first_day = _day(first, "--from") or report.month_to(last_day)
    if last_day < first_day:
        raise typer.BadParameter(f"the period ends on {last_day}, before it begins.", param_hint="--to")
    start, end = report.period_of(first_day, last_day, of.time_zone)

    async def all_pages(ledger: LedgerReads) -> list[Statement]:
        read = partial(ledger.statement, of.id, named, currency=currency or of.currency, start=start, end=end)
        pages = [await read()]
        while pages[-1] is not None and pages[-1].next_after is not None:
            pages.append(await read(after=pages[-1].next_after))
        return [page for page in pages if page is not None]

    pages = run(bootstrap.read_ledger(settings, all_pages), settings)
    _print_statement(pages, f"{named}, {first_day} to {last_day} ({of.time_zone})", zone)


def adjust(
    call: str,
    *,
    side: Side,
    to: str | None,
    by: str | None,
    note: str,
    account: str | None,
    key: str | None,
    currency: str | None,
    company: str | None,
    data: Path | None,
    database: str | None,
) -> None:
    """Set the revenue or payout of a call to an amount, or change it by one."""
    if (to is None) is (by is None):
        raise typer.BadParameter(
            "give either the amount that it shall be, or by how much it changes.", param_hint="--to/--by"
        )
    settings = read_settings(data=data, database=database)
    of = _company(settings, company)
    correction = Adjust(
        company_id=of.id,
        call_id=CallId(call.strip().lower()),
        side=side,
        key=key or secrets.token_hex(8),
        author=Author(name=user_name()),
        note=note,
        set_to=None if to is None else _money(to, currency or of.currency, "--to"),
        change_by=None if by is None else _money(by, currency or of.currency, "--by"),
        account=None if account is None else _account(account),
    )
    _correct(settings, correction)


def void(
    call: str,
    *,
    side: Side,
    note: str,
    key: str | None,
    company: str | None,
    data: Path | None,
    database: str | None,
) -> None:
    """Take back all that is booked on one side of a call."""
    settings = read_settings(data=data, database=database)
    correction = Void(
        company_id=_company(settings, company).id,
        call_id=CallId(call.strip().lower()),
        side=side,
        key=key or secrets.token_hex(8),
        author=Author(name=user_name()),
        note=note,
    )
    _correct(settings, correction)


def verify(*, mend: bool, data: Path | None, database: str | None) -> None:
    """Count everything again and say what does not add up; exit with code 1 where something is wrong."""
    settings = read_settings(data=data, database=database)
    console = output()
    if mend:
        count = run(bootstrap.mend_ledger(settings), settings)
        console.print(Text(f"{count} balances were wrong, and are what their entries add up to."))
    problems = run(bootstrap.read_ledger(settings, lambda ledger: ledger.verify()), settings)
    if not problems:
        console.print(Text("The ledger adds up: every posting sums to zero, and every balance to its entries."))
        return
    hint = "Balances are mended with --mend." if any(problem.kind == "balance" for problem in problems) else None
    fail("the ledger does not add up", *(problem.text for problem in problems), *([hint] if hint else []))


def _correct(settings: Settings, correction: Correction) -> None:
    answer = run(bootstrap.correct_ledger(settings, correction), settings)
    if isinstance(answer, Refused):
        facts = [f"{name}: {fact}" for name, fact in (("found", answer.actual), ("expected", answer.expected)) if fact]
        fail(answer.reason.text, *facts)
    console = output()
    changes = [
        f"{account} {report.say(Money(micros, answer.posting.currency))}"
        for account, micros in sorted(answer.posting.shares.items())
    ]
    done = "Booked before" if answer.repeated else "Booked"
    console.print(Text(f"{done}: {answer.posting.kind} of {answer.posting.side}, {', '.join(changes)}"), soft_wrap=True)


def _print_statement(pages: Sequence[Statement], title: str, zone: ZoneInfo) -> None:
    """The lines of all pages between the two balances, and what they come to."""
    account, opening, closing = pages[0].account, pages[0].opening, pages[-1].closing
    lines: list[Line] = [line for page in pages for line in page.lines]
    totals = report.totals_of(lines, opening.currency)
    console = output()
    console.print(Text(title, "bold"))
    table = _table(("at", "left"), ("what", "left"), ("amount", "right"), ("balance", "right"))
    table.add_row("", "opening balance", "", report.say(opening))
    for row in (report.line_row(line, zone) for line in lines):
        what = Text(row.what).append(f"\n{row.line.call_id}", "dim")
        if row.why:
            what.append(f"\n{row.why}", "dim")
        at, line = f"{row.at:%Y-%m-%d %H:%M}", row.line
        table.add_row(at, what, report.say(line.amount), report.say(line.balance))
    table.add_row("", "closing balance", report.say(totals.sum), report.say(closing))
    console.print(table)
    counts = f"{totals.conversions} conversions {report.say(totals.converted)}, {totals.voids} voids "
    console.print(Text(f"\n{counts}{report.say(totals.voided)}, adjusted by {report.say(totals.adjusted)}"))
    console.print(Text(report.meaning_of(account, closing), "bold"))


def _company(settings: Settings, name: str | None) -> Company:
    """The company that is meant: the only one there is, where none is named."""
    documents = run(bootstrap.read_documents(settings), settings)
    known = ", ".join(sorted(documents))
    if not documents:
        fail(f"{store_name(settings)} has no catalog yet.", "Put one in with `ringbid apply FILE`.")
    if name is None and len(documents) > 1:
        fail("there are several companies.", f"Name one of them with --company: {known}.")
    document = next(iter(documents.values())) if name is None else documents.get(CompanyId(name))
    if document is None:
        fail(f"there is no company {name}.", f"Known are: {known}.")
    return read_stored(document).company


def _account(text: str) -> Account:
    account = parse_account(text)
    if account is None:
        expected = "such as buyer/alpha, publisher/4321ABCD, company/revenue or company/payout"
        raise typer.BadParameter(f"{text!r} is no account; one is {expected}.", param_hint="ACCOUNT")
    return account


def _day(text: str | None, option: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day such as 2026-03-04.", param_hint=option) from None


def _money(text: str, currency: str, option: str) -> Money:
    number = parse_decimal(text)
    micros = None if number is None else micros_from_decimal(number)
    if micros is None:
        raise typer.BadParameter(f"{text!r} is no amount with at most six decimals.", param_hint=option)
    return Money(micros, currency)


def _table(*columns: tuple[str, Literal["left", "right"]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name, justify in columns:
        wraps = name == "what"
        table.add_column(name, justify=justify, no_wrap=not wraps, overflow="fold" if wraps else "ellipsis")
    return table
