"""`ringbid link` and `ringbid admin`: how people get into the console when no browser can help them."""

from __future__ import annotations

import sys
from getpass import getpass
from pathlib import Path

import typer
from rich.text import Text

from ringbid import bootstrap
from ringbid.accounts.claiming import LINK_GOOD_FOR
from ringbid.accounts.companies import NewCompany, read_company
from ringbid.accounts.passwords import Passwords, find_weakness
from ringbid.accounts.people import read_email
from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run, user_name
from ringbid.settings import Settings


def print_link(*, email: str | None, data: Path | None, database: str | None) -> None:
    """Print a new one-time link."""
    settings = read_settings(data=data, database=database)
    address = _read_email(email) if email is not None else None
    made = run(bootstrap.make_link(settings, email=address), settings)
    if made.path is None:
        known = f"Owners are: {', '.join(made.owners)}." if made.owners else "Nobody owns a company here."
        fail(f"there is no account {email}." if email else "there are several owners.", known, "Name one with --email.")
    minutes = int(LINK_GOOD_FOR.total_seconds()) // 60
    what = "makes its owner of whoever opens it" if made.email is None else f"signs in as {made.email}"
    output().print(Text(f"This link {what}, once, within {minutes} minutes:"), soft_wrap=True)
    typer.echo(f"{_base(settings, made.url)}{made.path}")


def create(
    *,
    email: str,
    name: str | None,
    company: str | None,
    time_zone: str,
    currency: str,
    data: Path | None,
    database: str | None,
) -> None:
    """Make an owner, and where it is named a company."""
    settings = read_settings(data=data, database=database)
    address = _read_email(email)
    new = _read_company(company, time_zone=time_zone, currency=currency) if company is not None else None
    password = _ask_password()
    weakness = find_weakness(password, about=[address, name or ""])
    if weakness is not None:
        fail(f"this password will not do. {weakness}")
    made = run(_create(settings, address, name or address, password, new), settings)
    if not made:
        fail(f"{address} has an account already.", f"`ringbid link --email {address}` lets its owner in.")
    output().print(Text(f"{address} owns all companies here, and can sign in."))


async def _create(settings: Settings, email: str, name: str, password: str, company: NewCompany | None) -> bool:
    passwords = Passwords(threads=1)
    password_hash = await passwords.hash(password)
    passwords.close()
    return await bootstrap.make_owner(
        settings, email=email, name=name, password_hash=password_hash, company=company, author=user_name()
    )


def _ask_password() -> str:
    """From the terminal, twice and unseen; else the first line of standard input. Never from the command line, which
    others can see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass("Password: ")
    if getpass("Again: ") != password:
        fail("the two passwords differ.")
    return password


def _read_email(text: str) -> str:
    email = read_email(text)
    if email is None:
        fail(f"{text} is no e-mail address.")
    return email


def _read_company(name: str, *, time_zone: str, currency: str) -> NewCompany:
    read = read_company(name=name, time_zone=time_zone, currency=currency)
    if isinstance(read, tuple):
        fail("this company cannot be made.", *map(str, read))
    return read


def _base(settings: Settings, url: str | None) -> str:
    """Where the console is: as the settings say, as the running server says, or where it would listen."""
    return (settings.public_url or url or f"http://{settings.host}:{settings.port}").rstrip("/")
