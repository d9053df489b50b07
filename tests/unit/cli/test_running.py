"""How a store is named to a person, and which errors end a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from ringbid.cli.running import masked_url, run, store_name, store_options
from ringbid.reservations.ports import StoreUnavailable
from ringbid.settings import Settings
from ringbid.store.opening import StoreMissing, WriterBusy, WrongSchema

URL = "postgresql://someone:hunter2@db.example:5432/ringbid?sslpassword=hunter3"


def test_a_database_is_named_without_user_password_and_parameters() -> None:
    assert masked_url(URL) == "postgresql://db.example:5432/ringbid"
    assert store_name(Settings(database=URL)) == "the database postgresql://db.example:5432/ringbid"
    assert store_options(Settings(database=URL)) == "--database postgresql://db.example:5432/ringbid"


def test_a_folder_is_named_and_the_default_one_needs_no_option() -> None:
    assert store_name(Settings(data=Path("/srv/x"))) == "the folder /srv/x"
    assert store_options(Settings(data=Path("/srv/x"))) == "--data /srv/x"
    assert store_options(Settings(data=Path("ringbid-data"))) == ""


@pytest.mark.parametrize("kind", [WriterBusy, StoreMissing, WrongSchema, StoreUnavailable, OSError])
def test_what_the_store_or_the_system_refuses_is_one_sentence_and_code_1(
    kind: Callable[[str], Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuse() -> None:
        raise kind("it is\n away.\n")

    with pytest.raises(typer.Exit) as ended:
        run(refuse(), Settings())
    assert ended.value.exit_code == 1
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("Error: ")
    assert first.endswith("it is away.")


def test_a_bug_is_no_expected_trouble() -> None:
    async def stumble() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(stumble(), Settings())
