"""Statements: written in SQLAlchemy Core, compiled once for each database, run on the driver's own cursor.

Running a statement through SQLAlchemy costs more than the statement itself (40 µs and up), so the store takes only its
compiled text. Every module of the store writes its statements with these; `session` runs them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, BindParameter, ClauseElement, ColumnElement, Table, Text, bindparam, cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

DialectName = Literal["sqlite", "postgresql"]
Row = tuple[Any, ...]
Value = str | int | bytes | list[Any] | None

_DIALECTS: dict[DialectName, Dialect] = {
    "sqlite": SQLiteDialect_pysqlite(paramstyle="qmark"),
    "postgresql": PGDialect_psycopg(paramstyle="numeric_dollar"),  # type: ignore[no-untyped-call]  # -- it has no types
}
_LARGEST_CHUNK = 64
_NUMBERED = re.compile(r"\$(\d+)")


class one_of(ColumnElement[bool]):  # noqa: N801 -- stands in statements beside select() and and_()
    """`column` is one of a list of texts (or integers) that is given when the statement runs."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.values: BindParameter[Any] = bindparam(name)
        self.item_type = BigInteger() if isinstance(column.type, BigInteger) else Text()


@compiles(one_of, "sqlite")
def _one_of_json(element: one_of, compiler: SQLCompiler, **options: object) -> str:
    column, values = compiler.process(element.column, **options), compiler.process(element.values, **options)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 -- a column's name and a bind parameter


@compiles(one_of, "postgresql")
def _one_of_array(element: one_of, compiler: SQLCompiler, **options: object) -> str:
    column = compiler.process(element.column, **options)
    return f"{column} = ANY ({compiler.process(cast(element.values, ARRAY(element.item_type)), **options)})"


class database_now_ms(ColumnElement[int]):  # noqa: N801 -- stands in statements beside select() and and_()
    """The database server's wall clock in milliseconds; null on SQLite, which has no server and uses our clock."""

    inherit_cache = True
    type = BigInteger()


@compiles(database_now_ms, "sqlite")
def _no_clock(_element: database_now_ms, _compiler: SQLCompiler, **_options: object) -> str:
    return "NULL"


@compiles(database_now_ms, "postgresql")
def _clock(_element: database_now_ms, _compiler: SQLCompiler, **_options: object) -> str:
    return "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"


class Statement:
    """One statement. Values are given by the names of its bind parameters; a list goes where `one_of` asks for one."""

    def __init__(self, core: ClauseElement) -> None:
        self._core = core
        self._compiled: dict[DialectName, tuple[str, tuple[tuple[str, Any], ...]]] = {}

    def prepare(self, dialect: DialectName, values: dict[str, Any]) -> tuple[str, list[Any]]:
        """The text, and the values in its order."""
        compiled = self._compiled.get(dialect)
        if compiled is None:
            compiled = self._compiled[dialect] = _compile(self._core, dialect)
        text, names = compiled
        ordered = [values.get(name, default) for name, default in names]
        if dialect == "sqlite":
            ordered = [_as_json(value) if type(value) is list else value for value in ordered]
        return text, ordered


class Insert:
    """Rows for one table: tuples in the order of `columns` (all but those the database fills).

    Many rows go in one statement with many VALUES: the driver runs it without holding Python's lock. Chunks are powers
    of two, so that there are few texts to compile, and PostgreSQL parses nothing twice.
    """

    def __init__(
        self, table: Table, *, replace: bool = False, add: str | tuple[str, ...] = (), unless: str = ""
    ) -> None:
        """A row whose key exists is an error; with `replace` its other columns are overwritten; with `add` these
        columns are added to. `unless`: a row is left out where this unique column has its value already."""
        self._table = table
        self._replace = replace
        self._unless = unless
        self._add = (add,) if isinstance(add, str) else add
        self.columns = tuple(column for column in table.columns if column is not table.autoincrement_column)
        self._texts: dict[tuple[DialectName, int], str] = {}

    def chunks(self, dialect: DialectName, rows: Sequence[Row]) -> list[tuple[str, list[Any]]]:
        """The statements that insert `rows`, each with its values."""
        made = []
        start = 0
        while start < len(rows):
            size = min(_LARGEST_CHUNK, 1 << (len(rows) - start).bit_length() - 1)
            text = self._texts.get((dialect, size))
            if text is None:
                text = self._texts[dialect, size] = self._compile(dialect, size)
            made.append((text, [value for row in rows[start : start + size] for value in row]))
            start += size
        return made

    def _compile(self, dialect: DialectName, size: int) -> str:
        """Compiled for one row; its VALUES are then repeated, since compiling 64 rows takes 15 ms."""
        row = {column.name: bindparam(column.name, type_=column.type) for column in self.columns}
        # Both databases say ON CONFLICT, each in a construct of its own. Inline: without asking for the new row's key.
        insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(self._table).values(row).inline()
        key = [column.name for column in self._table.primary_key]
        if self._replace:
            changed = {column.name: insert.excluded[column.name] for column in self.columns if column.name not in key}
            insert = insert.on_conflict_do_update(index_elements=key, set_=changed)
        elif self._add:
            totals = {name: self._table.c[name] + insert.excluded[name] for name in self._add}
            insert = insert.on_conflict_do_update(index_elements=key, set_=totals)
        elif self._unless:
            insert = insert.on_conflict_do_nothing(index_elements=[self._unless])
        into, _, rest = _compile(insert, dialect)[0].partition(" VALUES ")
        values, conflict, action = rest.partition(" ON CONFLICT")
        rows = (_renumbered(values, number * len(self.columns)) for number in range(size))
        return f"{into} VALUES {', '.join(rows)}{conflict}{action}"


def _renumbered(values: str, by: int) -> str:
    """PostgreSQL's $1, $2, … counted on; SQLite's question marks have no numbers."""
    return _NUMBERED.sub(lambda found: f"${int(found[1]) + by}", values)


def _compile(core: ClauseElement, dialect: DialectName) -> tuple[str, tuple[tuple[str, Any], ...]]:
    compiled = core.compile(dialect=_DIALECTS[dialect])
    assert isinstance(compiled, SQLCompiler), "a statement, not a type or DDL"
    defaults = compiled.params
    return str(compiled), tuple((name, defaults[name]) for name in compiled.positiontup or ())


def _as_json(values: list[Any]) -> str:
    return msgspec.json.encode(values).decode()
