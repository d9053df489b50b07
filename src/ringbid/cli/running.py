"""How commands get their settings, run what is asynchronous, and turn expected trouble into one clear error."""

from __future__ import annotations

import asyncio
import getpass
import signal
import sys
import tomllib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ringbid.cli.console import fail
from ringbid.reservations.ports import StoreUnavailable
from ringbid.settings import Settings
from ringbid.store.opening import StoreMissing, WriterBusy, WrongSchema

Result = TypeVar("Result")


def read_settings(**options: object) -> Settings:
    """The settings with these command-line options; those that are None were not given."""
    return make_settings(**{name: value for name, value in options.items() if value is not None})


def make_settings(**given: Any) -> Settings:  # noqa: ANN401 -- pydantic says what each may be
    """The settings with these values, None among them. A wrong one, in the file or a variable too, ends the command."""
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, one['loc']))}: {one['msg']} (found {one['input']!r})" for one in error.errors())
        fail("a setting is wrong.", *lines, "docs/settings.md lists every setting with its variable and its default.")
    except tomllib.TOMLDecodeError as error:
        fail(f"ringbid.toml cannot be read: {error}")


def run(work: Coroutine[Any, Any, Result], settings: Settings) -> Result:
    """The result of `work` in an event loop of its own; what the store or the system refuses ends the command."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(work)
    except WriterBusy as error:
        fail(str(error), "Stop that process, or use its server: it takes `ringbid apply` while it runs.")
    except (StoreMissing, WrongSchema, OSError) as error:
        fail(str(error))
    except StoreUnavailable as error:
        fail(f"the store cannot be used: {error}", f"`ringbid doctor {store_options(settings)}` says what is wrong.")


def user_name() -> str:
    """Who runs the command, for the record; in a container the user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def stop_on_signals() -> asyncio.Event:
    """An event of the running loop that Ctrl-C and SIGTERM set, instead of ending the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def store_name(settings: Settings) -> str:
    """Where the store is, as a person would say it; never a password."""
    if settings.database is None:
        return f"the folder {settings.data}"
    return f"the database {masked_url(settings.database)}"


def store_options(settings: Settings) -> str:
    """The options that lead another command to the same store; a password is left out."""
    if settings.database is not None:
        return f"--database {masked_url(settings.database)}"
    return "" if settings.data == Path("ringbid-data") else f"--data {settings.data}"


def masked_url(url: str) -> str:
    """The URL of a database without its user, password and parameters."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop where there is one; None: asyncio's own."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 -- does not exist on Windows

    return uvloop.new_event_loop
