"""Tables as CSV and XLSX, row by row, so that the length of a table costs no memory. Every table is exported by this.

Text never becomes a formula: callers and publishers write tags, and whoever opens the file trusts us. In CSV a text
that would open one gets an apostrophe in front, as does a text that begins with an apostrophe: whoever takes a leading
one away again has the text itself. In XLSX text is stored as text.
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
import unicodedata
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO, Any, Literal
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ringbid.values.money import Money, format_micros

FileFormat = Literal["csv", "xlsx"]
Cell = (
    str | int | Decimal | Money | datetime | None
)  # of a Money only the amount is written: give the currency a column
Row = Sequence[Cell]
Pages = AsyncIterator[Sequence[Row]]

MASK = "•••"
MEDIA_TYPES: Mapping[FileFormat, str] = {
    "csv": "text/csv",  # whoever answers adds the charset
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

# What spreadsheets take for the beginning of a formula or a command, once full-width and small forms are made plain;
# the minus sign proper, which stays what it is; and our own apostrophe.
_OPENINGS = frozenset("=+-@|%'\N{MINUS SIGN}")
_ROWS_PER_SHEET = 1_048_576
_LONGEST_TEXT = 32_767  # in a cell of Excel
_BLOCK_BYTES = 65_536
_TEXT_ONLY = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def escape_text(text: str) -> str:
    """`text` so that no spreadsheet runs it when it opens the CSV."""
    return f"'{text}" if _opens_formula(text) else text


def mask_tags(tags: Mapping[str, str], private: Collection[str]) -> dict[str, str]:
    """`tags` with the values of the private ones hidden."""
    return {name: MASK if name in private else value for name, value in tags.items()}


async def stream_csv(header: Sequence[str], pages: Pages, zone: ZoneInfo) -> AsyncIterator[bytes]:
    """The table as UTF-8 with a byte order mark (without it Excel reads names wrongly), a piece for each page. Times
    are those of `zone`, with its offset."""
    yield b"\xef\xbb\xbf" + csv_text([header], zone).encode()
    async for rows in pages:
        yield csv_text(rows, zone).encode()


def csv_text(rows: Iterable[Row], zone: ZoneInfo) -> str:
    """Lines of a CSV file (RFC 4180)."""
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows([_csv_cell(cell, zone) for cell in row] for row in rows)
    return lines.getvalue()


async def stream_xlsx(header: Sequence[str], pages: Pages, zone: ZoneInfo) -> AsyncIterator[bytes]:
    """The table as a workbook. It is made in a temporary file, since its beginning is known when its end is."""
    with tempfile.TemporaryFile() as file:
        book = _Book(file, header, zone)
        try:
            async for rows in pages:
                await asyncio.to_thread(book.add, rows)
        finally:
            await asyncio.to_thread(book.close)
        file.seek(0)
        while block := file.read(_BLOCK_BYTES):
            yield block


class _Book:
    """A workbook that grows by pages; a sheet that is full is followed by another."""

    def __init__(self, file: IO[bytes], header: Sequence[str], zone: ZoneInfo) -> None:
        self._book = Workbook(file, {"constant_memory": True, "remove_timezone": True, **_TEXT_ONLY})
        self._bold = self._book.add_format({"bold": True})
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._header = [f"{title}" for title in header]
        self._zone = zone
        self._rows = 0
        self._sheet = self._new_sheet()

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if self._rows == _ROWS_PER_SHEET:
                self._sheet = self._new_sheet()
            for column, cell in enumerate(row):
                _write_cell(self._sheet, self._rows, column, cell, zone=self._zone, time=self._time)
            self._rows += 1

    def close(self) -> None:
        self._book.close()

    def _new_sheet(self) -> Worksheet:
        sheet = self._book.add_worksheet()
        sheet.freeze_panes(1, 0)
        for column, title in enumerate(self._header):
            sheet.set_column(column, column, max(12, len(title) + 2))
            sheet.write_string(0, column, title, self._bold)
        self._rows = 1
        return sheet


def _write_cell(sheet: Worksheet, row: int, column: int, cell: Cell, *, zone: ZoneInfo, time: Format) -> None:
    if isinstance(cell, str):
        sheet.write_string(row, column, cell[:_LONGEST_TEXT])
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell.astimezone(zone), time)
    elif cell is not None:
        number: Any = Decimal(format_micros(cell.micros)) if isinstance(cell, Money) else cell
        sheet.write_number(row, column, number)


def _csv_cell(cell: Cell, zone: ZoneInfo) -> str:
    if isinstance(cell, str):
        return escape_text(cell)
    if isinstance(cell, datetime):
        return cell.astimezone(zone).isoformat(sep=" ", timespec="milliseconds")
    if isinstance(cell, Money):
        return format_micros(cell.micros)
    return "" if cell is None else f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def _opens_formula(text: str) -> bool:
    """Does it, whatever invisible stands before it? A control character in front alone counts, too."""
    for character in text:
        if unicodedata.category(character) == "Cc":
            return True
        if unicodedata.category(character)[0] in "CZ":
            continue
        return any(plain in _OPENINGS for plain in unicodedata.normalize("NFKC", character)[:1])
    return False
