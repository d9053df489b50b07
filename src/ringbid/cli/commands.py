"""Every command with its options and its help. The work is done by the module that each of them imports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ringbid.cli import groups
from ringbid.cli.options import Data, Database

# A command imports its module when it runs (noqa: PLC0415): all of Ringbid takes ten times as long to load as this.

app = typer.Typer(
    name="ringbid",
    help="The open exchange where phone calls are priced, reserved, routed and paid for.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(groups.admin, name="admin")
app.add_typer(groups.call, name="call")
app.add_typer(groups.ledger, name="ledger")
app.add_typer(groups.outbox, name="outbox")
app.add_typer(groups.sip, name="sip")
app.add_typer(groups.emulate, name="emulate")


def main() -> None:
    """The program `ringbid`. Exit codes: 0 done, 1 not done, 2 asked wrongly."""
    app()


@app.command()
def serve(
    data: Data = None,
    database: Database = None,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port to listen on; 0: any free one.")] = None,
) -> None:
    """Run the exchange. Migrates the store, takes pings, and stops cleanly on SIGTERM or Ctrl-C."""
    from ringbid.cli import serving  # noqa: PLC0415 -- loaded when it runs

    serving.serve(data=data, database=database, host=host, port=port)


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A catalog in YAML; - reads standard input.")],
    data: Data = None,
    database: Database = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would change, and change nothing.")] = False,
) -> None:
    """Put a catalog in force. With or without a running server; nothing is applied unless all of it is right."""
    from ringbid.cli import catalogs  # noqa: PLC0415 -- loaded when it runs

    catalogs.apply(file, data=data, database=database, plan_only=plan)


@app.command()
def export(
    company: Annotated[str | None, typer.Argument(metavar="[COMPANY]", help="Needed where there are several.")] = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Print the catalog that is in force. As YAML that applies to an equal one."""
    from ringbid.cli import catalogs  # noqa: PLC0415 -- loaded when it runs

    catalogs.export(company, data=data, database=database)


@app.command()
def link(
    email: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Whose account; needed where there are several owners.")
    ] = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Print a link that opens the console, once. It claims an installation that is nobody's, else it signs in."""
    from ringbid.cli import admin  # noqa: PLC0415 -- loaded when it runs

    admin.print_link(email=email, data=data, database=database)


@app.command()
def ping(
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="TAG=VALUE", help="What is known of the caller: caller_zip=90210.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(envvar="RINGBID_KEY", help="The RTB key of the campaign.", show_default=False)
    ] = None,
    publisher: Annotated[str | None, typer.Option(metavar="ID", help="Who sends the ping.")] = None,
    caller: Annotated[str | None, typer.Option(metavar="NUMBER", help="The caller's phone number.")] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The server (default: the host and port of the settings).")
    ] = None,
    send_as: Annotated[
        Literal["json", "form", "query", "get"], typer.Option(help="A POST with one of three encodings, or a GET.")
    ] = "json",
    data: Data = None,
    database: Database = None,
) -> None:
    """Send one ping and print its answer. Where the server's store can be read here, also each buyer's verdict."""
    from ringbid.cli import pinging  # noqa: PLC0415 -- loaded when it runs

    named = {"key": key, "publisher_id": publisher, "caller_number": caller}
    pinging.ping(tags or [], named=named, url=url, send_as=send_as, data=data, database=database)


@app.command()
def explain(
    uuid: Annotated[str, typer.Argument(metavar="UUID", help="The uuid in the answer to the ping, or a call's.")],
    data: Data = None,
    database: Database = None,
    asks: Annotated[bool, typer.Option("--asks", help="Also print each request and answer as it went.")] = False,
) -> None:
    """Say why a ping or a call ended as it did. From the ping to the money: each buyer, its verdict, what was found."""
    from ringbid.cli import explaining  # noqa: PLC0415 -- loaded when it runs

    explaining.explain(uuid, data=data, database=database, with_asks=asks)


@app.command()
def demo(
    pings: Annotated[int | None, typer.Option(min=1, metavar="N", help="Stop after N pings.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, metavar="N", help="Stop after N seconds.")] = None,
    phones: Annotated[
        Literal["sip", "simulated", "none"] | None,
        typer.Option(help="What places calls: Kamailio and SIPp, a simulated carrier, nothing; default: the best."),
    ] = None,
) -> None:
    """Show it at work, with simulated traffic. The server's data are in a temporary folder; nothing is kept."""
    from ringbid.cli import demo as demonstration  # noqa: PLC0415 -- loaded when it runs

    demonstration.demo(pings=pings, seconds=seconds, phones=phones)


@app.command()
def doctor(
    data: Data = None,
    database: Database = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look for what is missing or doubtful. Each with the command that mends it; exit code 1 where one is broken."""
    from ringbid.cli import doctor as practice  # noqa: PLC0415 -- loaded when it runs

    practice.doctor(data=data, database=database, as_json=json)


@app.command()
def openapi() -> None:
    """Print the description of /api/v1 as OpenAPI 3.1. The same as a server has at /api/v1/openapi.json."""
    from ringbid.cli import api_document  # noqa: PLC0415 -- loaded when it runs

    api_document.print_document()


@app.command()
def version() -> None:
    """Print the version."""
    from ringbid import __version__  # noqa: PLC0415 -- loaded when it runs

    typer.echo(__version__)
