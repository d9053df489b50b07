"""Tables as files: text stays text, money and times stay themselves, and length costs no memory."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbid.reports.export import Row, csv_text, escape_text, mask_tags, stream_csv, stream_xlsx
from ringbid.values.money import Money

NEW_YORK = ZoneInfo("America/New_York")
UTC_ZONE = ZoneInfo("UTC")
AT = datetime(2026, 3, 4, 10, 14, 18, 246000, tzinfo=UTC)

FORMULAS = [
    "=1+1",
    "+12125550123",
    "-1",
    "@SUM(A1)",
    "|calc",
    "%0",
    "\t=1",
    "\r=1",
    "\n=1",
    "\0=1",
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    "＝1",
    "＋1",
    "－1",
    "＠SUM",
    "﹦1",
    "₌1",
    "−1",
    " \u2003 ＝1",
    "\t",
    "\x1b[0m",
]


async def pages(*made: Sequence[Row]) -> AsyncIterator[Sequence[Row]]:
    for rows in made:
        yield rows


def read_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", FORMULAS, ids=repr)
def test_no_text_opens_a_formula_in_csv(text: str) -> None:
    assert escape_text(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["a=1", "1-2", "O'Brien", "x@y.z", "", " ", "Ünal", "3 + 4", "(212) 555-0123"], ids=repr
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert escape_text(text) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4))
def test_a_csv_is_read_back_as_the_same_texts(texts: list[str]) -> None:
    [row] = read_csv(csv_text([texts], UTC_ZONE))
    assert [cell.removeprefix("'") for cell in row] == texts


def test_numbers_money_and_times_are_written_plainly_in_csv() -> None:
    row: Row = [-5, Money(-1_173_000, "USD"), Decimal("0.0000001"), AT, None]
    assert csv_text([row], NEW_YORK) == "-5,-1.173,0.0000001,2026-03-04 05:14:18.246-05:00,\r\n"


def test_a_csv_comes_page_by_page_with_its_header_first() -> None:
    async def story() -> list[bytes]:
        return [piece async for piece in stream_csv(["Name"], pages([["a"], ["b"]], [["c"]]), UTC_ZONE)]

    assert asyncio.run(story()) == [b"\xef\xbb\xbfName\r\n", b"a\r\nb\r\n", b"c\r\n"]


def test_an_xlsx_holds_texts_as_texts_and_numbers_as_numbers() -> None:
    rows: list[Row] = [[text, Money(1_173_000, "USD"), 7, AT, None] for text in ("=1+1", "+12125550123", "0042")]
    sheet, _ = xlsx_of(rows)
    assert re.findall(r'<c r="A\d" t="inlineStr"><is><t>([^<]*)', sheet)[0:] == ["=1+1", "+12125550123", "0042"]
    assert "<f>" not in sheet
    assert sheet.count("<v>1.173</v>") == 3
    assert sheet.count("<v>7</v>") == 3


def test_a_sheet_that_is_full_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringbid.reports.export._ROWS_PER_SHEET", 3)
    _, names = xlsx_of([["a"], ["b"], ["c"]])
    assert [name for name in names if "worksheets/sheet" in name] == [
        "xl/worksheets/sheet1.xml",
        "xl/worksheets/sheet2.xml",
    ]


def test_private_tags_are_masked() -> None:
    assert mask_tags({"age": "44", "zip": "90210"}, {"age"}) == {"age": "•••", "zip": "90210"}


def xlsx_of(rows: list[Row]) -> tuple[str, list[str]]:
    """The first sheet's text, and the names of the files in the workbook."""

    async def story() -> bytes:
        return b"".join([piece async for piece in stream_xlsx(["Text", "Money"], pages(rows), UTC_ZONE)])

    with zipfile.ZipFile(io.BytesIO(asyncio.run(story()))) as book:
        return book.read("xl/worksheets/sheet1.xml").decode(), book.namelist()
