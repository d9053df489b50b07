"""The commands that come in groups, such as `ringbid ledger balances`. `commands` adds them to the program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ringbid.cli.options import Data, Database

# A command imports its module when it runs (noqa: PLC0415): all of Ringbid takes ten times as long to load as this.

_SETTINGS = {"help_option_names": ["-h", "--help"]}


def _group(help_text: str) -> typer.Typer:
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None, context_settings=_SETTINGS)


admin = _group("The accounts of people.")
ledger = _group("What calls have earned, and corrections of it.")
outbox = _group("Postbacks and webhooks that must leave.")
sip = _group("Kamailio: its configuration, and running it.")
call = _group("Calls: the latest ones, and converting one by hand.")
emulate = _group("Simulated partners, to try things out.")

Company = Annotated[str | None, typer.Option(metavar="ID", help="Needed where there are several companies.")]
Side = Annotated[Literal["revenue", "payout"], typer.Option(help="What the buyer owes, or what the publisher is paid.")]
Note = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept with the entry.")]
Key = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Makes a repeated command do nothing twice; any text of yours.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@admin.command()
def create(
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="The e-mail address to sign in with.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What others see; default: the address.")] = None,
    company: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make this company, where there is none yet.")
    ] = None,
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="The time zone of that company.")] = "UTC",
    currency: Annotated[str, typer.Option(metavar="CODE", help="Its currency.")] = "USD",
    data: Data = None,
    database: Database = None,
) -> None:
    """Make an owner of all companies. The password is asked for, or read from standard input."""
    from ringbid.cli import admin as people  # noqa: PLC0415 -- loaded when it runs

    people.create(
        email=email,
        name=name,
        company=company,
        time_zone=time_zone,
        currency=currency,
        data=data,
        database=database,
    )


@call.command("list")
def list_calls(
    company: Company = None,
    campaign: Annotated[str | None, typer.Option(metavar="ID", help="Only calls of this campaign.")] = None,
    publisher: Annotated[str | None, typer.Option(metavar="ID", help="Only calls of this publisher.")] = None,
    buyer: Annotated[str | None, typer.Option(metavar="ID", help="Only calls that this buyer took.")] = None,
    caller: Annotated[str | None, typer.Option(metavar="NUMBER", help="Only calls of this caller.")] = None,
    phase: Annotated[
        Literal["routing", "ringing", "connected", "ended", "refused"] | None, typer.Option(help="Only these.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="At most so many.")] = 20,
    data: Data = None,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Print the latest calls, with what they brought."""
    from ringbid.cli import calls  # noqa: PLC0415 -- loaded when it runs

    calls.list_calls(
        company=company,
        campaign=campaign,
        publisher=publisher,
        buyer=buyer,
        caller=caller,
        phase=phase,
        limit=limit,
        data=data,
        database=database,
        as_json=json,
    )


@call.command()
def convert(
    uuid: Annotated[str, typer.Argument(metavar="UUID", help="The uuid of the call.")],
    side: Side,
    note: Note,
    amount: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="What it is worth; default: what was quoted.")
    ] = None,
    author: Annotated[str | None, typer.Option(metavar="NAME", help="Who says so; default: you.")] = None,
    attempt: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Which buyer's, where several had the call.")
    ] = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Convert a side of a call that did not convert by itself."""
    from ringbid.cli import calls  # noqa: PLC0415 -- loaded when it runs

    calls.convert(
        uuid,
        side=side,
        amount=amount,
        note=note,
        author=author,
        attempt=attempt,
        data=data,
        database=database,
    )


@ledger.command()
def balances(company: Company = None, data: Data = None, database: Database = None) -> None:
    """Print what is on each account."""
    from ringbid.cli import ledger as books  # noqa: PLC0415 -- loaded when it runs

    books.balances(company, data=data, database=database)


@ledger.command()
def statement(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="buyer/ID, publisher/ID, company/revenue …")],
    company: Company = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="The first day, 2026-11-01.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last day.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Where an account has several.")] = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Print an account's entries with its balance before and after. Of this month, where no days are given."""
    from ringbid.cli import ledger as books  # noqa: PLC0415 -- loaded when it runs

    books.statement(account, company=company, first=first, last=last, currency=currency, data=data, database=database)


@ledger.command()
def adjust(
    call: Annotated[str, typer.Argument(metavar="CALL", help="The uuid of the call.")],
    side: Side,
    note: Note,
    to: Annotated[str | None, typer.Option(metavar="AMOUNT", help="What it shall be.")] = None,
    by: Annotated[str | None, typer.Option(metavar="AMOUNT", help="What is added to it; may be negative.")] = None,
    account: Annotated[str | None, typer.Option(metavar="ACCOUNT", help="Where the call has several.")] = None,
    key: Key = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Default: the company's.")] = None,
    company: Company = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Change what is booked on one side of a call, by a new entry."""
    from ringbid.cli import ledger as books  # noqa: PLC0415 -- loaded when it runs

    books.adjust(
        call,
        side=side,
        to=to,
        by=by,
        note=note,
        account=account,
        key=key,
        currency=currency,
        company=company,
        data=data,
        database=database,
    )


@ledger.command()
def void(
    call: Annotated[str, typer.Argument(metavar="CALL", help="The uuid of the call.")],
    side: Side,
    note: Note,
    key: Key = None,
    company: Company = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Take back all that is booked on one side of a call, by a new entry."""
    from ringbid.cli import ledger as books  # noqa: PLC0415 -- loaded when it runs

    books.void(call, side=side, note=note, key=key, company=company, data=data, database=database)


@ledger.command()
def verify(
    mend: Annotated[bool, typer.Option("--mend", help="Make wrong balances what their entries add up to.")] = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Recount everything. Exit code 1 where something is wrong."""
    from ringbid.cli import ledger as books  # noqa: PLC0415 -- loaded when it runs

    books.verify(mend=mend, data=data, database=database)


@outbox.command("list")
def list_messages(
    state: Annotated[
        Literal["waiting", "delivered", "dead", "disabled"] | None, typer.Option(help="Only these.")
    ] = None,
    company: Company = None,
    call: Annotated[str | None, typer.Option(metavar="UUID", help="Only those of this call.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="At most so many.")] = 50,
    data: Data = None,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Print the newest messages and what became of them."""
    from ringbid.cli import outbox as messages  # noqa: PLC0415 -- loaded when it runs

    messages.list_messages(
        state=state, company=company, call=call, limit=limit, data=data, database=database, as_json=json
    )


@outbox.command()
def show(
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id: msg_…")],
    data: Data = None,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Print one message, what was sent, and each try."""
    from ringbid.cli import outbox as messages  # noqa: PLC0415 -- loaded when it runs

    messages.show(message, data=data, database=database, as_json=json)


@outbox.command()
def replay(
    messages_: Annotated[list[str] | None, typer.Argument(metavar="MESSAGE", help="Ids of messages.")] = None,
    company: Company = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="CAMPAIGN/WEBHOOK", help="All dead messages of this endpoint.")
    ] = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Send messages again, under the same ids."""
    from ringbid.cli import outbox as messages  # noqa: PLC0415 -- loaded when it runs

    messages.replay(messages_ or [], company=company, endpoint=endpoint, data=data, database=database)


@outbox.command()
def enable(
    endpoint: Annotated[str, typer.Argument(metavar="CAMPAIGN/WEBHOOK", help="One that had answered 410 Gone.")],
    company: Company = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Take an endpoint into use again, and send what was kept back."""
    from ringbid.cli import outbox as messages  # noqa: PLC0415 -- loaded when it runs

    messages.enable(endpoint, company=company, data=data, database=database)


@outbox.command()
def secret(
    company: Company = None,
    webhook: Annotated[
        str | None, typer.Option("--webhook", metavar="ID", help="Those of this event webhook, which has its own.")
    ] = None,
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new one; both sign from then on.")] = False,
    drop_old: Annotated[bool, typer.Option("--drop-old", help="Sign with the newest alone.")] = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Print what webhooks are signed with (Standard Webhooks), newest first."""
    from ringbid.cli import outbox as messages  # noqa: PLC0415 -- loaded when it runs

    messages.secret(company, webhook=webhook, rotate=rotate, drop_old=drop_old, data=data, database=database)


@sip.command("config")
def sip_config(
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="Default: sip in the data folder.")] = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Write Kamailio's configuration, made from the settings."""
    from ringbid.cli import sip as engine  # noqa: PLC0415 -- loaded when it runs

    engine.config(folder, data=data, database=database)


@sip.command("run")
def sip_run(data: Data = None, database: Database = None) -> None:
    """Run Kamailio with these settings, until Ctrl-C; the server connects to it by itself."""
    from ringbid.cli import sip as engine  # noqa: PLC0415 -- loaded when it runs

    engine.run_engine(data=data, database=database)


@emulate.command()
def carrier(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A carrier of the settings: [carriers.NAME].")],
    caller: Annotated[str, typer.Option(metavar="NUMBER", help="Who calls.")] = "+12125550123",
    dialled: Annotated[str, typer.Option("--to", metavar="NUMBER", help="The number that is called.")] = "+18444021146",
    calls: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="How many, all at once.")] = 1,
    talk_seconds: Annotated[
        float, typer.Option("--talk", min=0, metavar="SECONDS", help="Until the caller hangs up.")
    ] = 5,
    line: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS=HOW", help="A buyer: busy, no-answer, failed, or seconds until it hangs up."),
    ] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where the server really listens.")] = None,
    signing_key: Annotated[
        str | None, typer.Option(envvar="RINGBID_SIGNING_KEY", help="Telnyx' private key.", show_default=False)
    ] = None,
) -> None:
    """Call a running server as a TwiML carrier does: signed, and strict about what it is answered."""
    from ringbid.cli import emulating  # noqa: PLC0415 -- loaded when it runs

    emulating.carrier(
        name,
        caller=caller,
        dialled=dialled,
        calls=calls,
        talk_seconds=talk_seconds,
        lines=line or [],
        url=url,
        signing_key=signing_key,
    )
