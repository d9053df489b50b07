"""`ringbid ledger`: read and corrected with a store of its own, and beside the server that owns it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import typer

from ringbid.cli import catalogs, ledger
from ringbid.cli.running import user_name
from ringbid.ledger.posting import Posting
from ringbid.settings import Settings
from ringbid.store import ledger as stored
from ringbid.store.opening import Store, open_store
from ringbid.store.sqlite import FILE_NAME
from ringbid.values.clock import SystemClock
from support.clocks import START, JumpingClock
from support.money import BRAVO, CALL, conversion
from support.server import running_server
from support.store_clients import change_rows, rows_of
from support.stores import StorePlace

ACME = Path(__file__).parents[2] / "examples" / "acme.yaml"
NOWHERE: dict[str, Any] = {"database": None}
PLAIN: dict[str, Any] = {"company": None, "currency": None, "account": None, "key": None, "to": None, "by": None}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder whose store has acme's catalog and a conversion that alpha pays and 4321ABCD is paid for."""
    catalogs.apply(ACME, data=tmp_path, database=None, plan_only=False)
    asyncio.run(_book(tmp_path, conversion("1.5"), conversion("1.173", side="payout")))
    return tmp_path


async def _book(data: Path, *postings: Posting) -> None:
    store: Store = await open_store(Settings(data=data), SystemClock())
    at_ms = int(START.timestamp() * 1000)
    await store._writer.transact(lambda session: stored.post_all(session, postings, at_ms))
    await store.close()


def adjust(data: Path, note: str = "agreed by phone", **how: Any) -> None:
    ledger.adjust(str(CALL), side="revenue", note=note, data=data, **(NOWHERE | PLAIN | how))


def void(data: Path, **how: Any) -> None:
    facts = {"side": "revenue", "note": "a test call", "key": None, "company": None} | how
    ledger.void(str(CALL), data=data, **NOWHERE, **facts)


def statement(data: Path, account: str = "buyer/alpha", **how: Any) -> None:
    facts = {"company": None, "first": "2026-03-01", "last": "2026-03-31", "currency": None} | how
    ledger.statement(account, data=data, **NOWHERE, **facts)


def test_balances_say_who_owes_whom_and_what_is_left(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger.balances(None, data=data, **NOWHERE)
    told = capsys.readouterr().out
    assert "alpha owes 1.50 USD" in told
    assert "4321ABCD is owed 1.173 USD" in told
    assert "Revenue less payout: 0.327 USD" in told


def test_a_statement_has_every_line_between_two_balances(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    statement(data)
    told = capsys.readouterr().out
    assert "buyer/alpha, 2026-03-01 to 2026-03-31 (America/New_York)" in told
    assert "2026-03-04 10:00" in told
    assert str(CALL) in told
    assert "1 conversions -1.50 USD, 0 voids 0.00 USD, adjusted by 0.00 USD" in told
    assert told.rstrip().endswith("alpha owes 1.50 USD")


def test_corrections_are_booked_with_their_note_and_once_for_a_key(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        adjust(data, to="2", key="k1")
    adjust(data, by="-0.25")
    void(data)
    told = capsys.readouterr().out
    assert "Booked: adjustment of revenue, buyer/alpha 0.50 USD" in told
    assert "Booked before: adjustment of revenue, buyer/alpha 0.50 USD" in told
    assert "Booked: adjustment of revenue, buyer/alpha -0.25 USD" in told
    assert "Booked: void of revenue, buyer/alpha -1.75 USD" in told
    audited = rows_of(
        StorePlace("sqlite", Settings(data=data), JumpingClock()),
        "select author, via, before_value, after_value from audit where path like 'calls%' order by id",
    )
    assert audited == [
        (user_name(), "terminal", "buyer/alpha 1.5 USD", "buyer/alpha 2 USD: agreed by phone"),
        (user_name(), "terminal", "buyer/alpha 2 USD", "buyer/alpha 1.75 USD: agreed by phone"),
        (user_name(), "terminal", "buyer/alpha 1.75 USD", "nothing: a test call"),
    ]
    statement(data, last=None)
    assert ": agreed by phone" in capsys.readouterr().out


def test_a_refused_correction_ends_with_what_was_found_and_expected(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        adjust(data, by="-2")
    told = capsys.readouterr().err
    assert "would not lie from 0 to 1,000,000" in told
    assert "found: -0.50" in told


@pytest.mark.parametrize(
    "how", [{}, {"to": "1", "by": "1"}, {"to": "1,5"}, {"to": "0.0000001"}, {"to": "1", "account": "x"}]
)
def test_an_adjustment_that_makes_no_sense_is_asked_wrongly(data: Path, how: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter):
        adjust(data, **how)


@pytest.mark.parametrize(
    "how", [{"account": "alpha"}, {"first": "March"}, {"first": "2026-04-02", "last": "2026-04-01"}]
)
def test_a_statement_of_no_account_or_period_is_asked_wrongly(data: Path, how: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter):
        statement(data, **how)


def test_beside_a_server_corrections_go_through_it(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(ACME, data=data):
        adjust(data, to="2", key="k1")
        adjust(data, to="2", key="k1")
        with pytest.raises(typer.Exit):
            adjust(data, to="2", key="k2")
        ledger.verify(mend=True, data=data, **NOWHERE)
        ledger.balances("acme", data=data, **NOWHERE)
    told = capsys.readouterr()
    assert "Booked before" in told.out
    assert "alpha owes 2.00 USD" in told.out
    assert "0 balances were wrong" in told.out
    assert "has this very amount already" in told.err


def test_a_ledger_that_does_not_add_up_is_told_and_mended(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger.verify(mend=False, data=data, **NOWHERE)
    assert "The ledger adds up" in capsys.readouterr().out
    assert (data / FILE_NAME).exists()
    place = StorePlace("sqlite", Settings(data=data), JumpingClock())
    change_rows(place, "update balance set balance_micros = 1 where account = 'buyer/alpha'")
    with pytest.raises(typer.Exit):
        ledger.verify(mend=False, data=data, **NOWHERE)
    assert "the balance of buyer/alpha (acme) differs from its entries by 1.500001 USD" in capsys.readouterr().err
    ledger.verify(mend=True, data=data, **NOWHERE)
    assert "1 balances were wrong" in capsys.readouterr().out
    asyncio.run(_book(data, conversion("1", account=BRAVO, attempt=2)))
