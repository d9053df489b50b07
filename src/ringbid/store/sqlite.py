"""SQLite: a folder with one database file, one process that writes, one connection that writes and checkpoints.

Readers are read-only. That also keeps clear of the WAL-reset bug, which needs two connections that write or checkpoint
(SQLite before 3.51.3; `facts` says which version runs). Opened by `opening`.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ringbid.reservations.ports import StoreUnavailable
from ringbid.store.session import Query
from ringbid.store.statements import DialectName, Insert, Row, Statement, Value
from ringbid.values.clock import Clock

FILE_NAME = "ringbid.sqlite"
LOCK_NAME = "writer.lock"
BUSY_MS = 5000
_CACHED_STATEMENTS = 512
_WRITER_CACHE_KIB = 65536  # callers are looked up at random: the default of 2 MB would read most pages from the file

# What the machine did, by SQLite's primary result code; anything else is a bug of ours.
_MACHINE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


class WriterBusy(Exception):  # noqa: N818 -- a state of the store, named as what it is
    """Another process writes to this SQLite store; the message says which."""


class WriterLock:
    """The right to write to a data folder: one process has it at a time, and loses it when it ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / LOCK_NAME).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise WriterBusy(f"process {holder} has the store in {folder} open, and one process writes") from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        self._file.close()


class SqliteSession:
    """One connection to the database file. The writer's may write and checkpoint; every other is read-only."""

    dialect: DialectName = "sqlite"
    shared = False

    def __init__(self, path: Path, clock: Clock, *, read_only: bool = False) -> None:
        self.clock: Clock = clock
        self._path = path
        self._read_only = read_only
        self._connection = connect(path, read_only=read_only)
        self._marked = False
        self._doubtful = False  # did it meet an I/O error? Then it is not trusted again

    def begin(self) -> None:
        if self._doubtful:
            self.reopen()
        self._marked = False
        self._execute("BEGIN IMMEDIATE")

    def lock(self, names: Iterable[str]) -> None:
        """Nothing to do: this is the one connection that writes, and it has begun."""

    def fetch(self, *queries: Query) -> list[list[Row]]:
        return [self._execute(*statement.prepare("sqlite", values)).fetchall() for statement, values in queries]

    def write(self, statement: Statement, /, **values: Value) -> None:
        self._execute(*statement.prepare("sqlite", values))

    def insert(self, insert: Insert, rows: Sequence[Row]) -> None:
        for text, values in insert.chunks("sqlite", rows):
            self._execute(text, values)

    def update_each(self, statement: Statement, rows: Sequence[dict[str, Any]]) -> int:
        return sum(self._execute(*statement.prepare("sqlite", values)).rowcount for values in rows)

    def commit(self) -> None:
        self._execute("COMMIT")

    def mark(self) -> None:
        if self._marked:
            self._execute("RELEASE mark")
        self._execute("SAVEPOINT mark")
        self._marked = True

    def back_to_mark(self) -> None:
        self._execute("ROLLBACK TO mark")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # where it fails, the connection is doubtful and replaced
                self._connection.rollback()

    def reopen(self) -> None:
        self._connection.close()
        try:
            self._connection = connect(self._path, read_only=self._read_only)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error
        self._doubtful = False

    def committed(self) -> bool:
        """Never asked: a failed COMMIT is told to the caller as an unknown outcome."""
        return False

    def close(self) -> None:
        self._connection.close()

    def checkpoint(self) -> bool:
        """Move the write-ahead log into the database file and empty it; False where a reader is in the way just now."""
        self._execute("PRAGMA busy_timeout = 50")
        try:
            busy, *_ = self._execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        return not busy

    def _execute(self, text: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(text, values)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _MACHINE:
                self._doubtful = True
                raise StoreUnavailable(f"{self._path}: {error}") from error
            raise


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection whose transactions are begun and ended in so many words. It may be handed to another thread once."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
        timeout=BUSY_MS / 1000,
    )
    if not read_only:
        connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # NORMAL loses acknowledged work at a power cut
        connection.execute("PRAGMA secure_delete = ON")  # what was flushed must not be readable in the file
    return connection


def library() -> tuple[str, bool]:
    """The version of the SQLite that runs here, and whether it has the WAL-reset bug."""
    return sqlite3.sqlite_version, has_wal_reset_bug(sqlite3.sqlite_version_info)


def has_wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite can lose data when two connections write or checkpoint at once (we never let two)."""
    fixed_in_branch = {(3, 44): 6, (3, 50): 7}.get((version[0], version[1]))
    if fixed_in_branch is not None and version[2] >= fixed_in_branch:
        return False
    return (3, 7, 0) <= version < (3, 51, 3)
