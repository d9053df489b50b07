"""One round trip to PostgreSQL with many statements in it, on the driver's own libpq.

The driver's cursors wait for the socket and keep their books at each statement: some 80 µs of CPU apiece, and a call
takes ninety statements. Here all statements of a round trip go out together and their answers are read together: some
20 µs apiece. The driver still makes the connection and converts the values.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, NamedTuple

import psycopg
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

from ringbid.store.statements import Row

_MOST_PREPARED = 1000  # lists and their filters make more texts than that: those that come later are parsed each time
_GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave. `changed`: how many rows it wrote or, where it writes none, returned."""

    rows: list[Row]
    changed: int


class _Kind(NamedTuple):
    """What PostgreSQL prepares. The driver chooses the types by the values: the same text may come with others."""

    text: bytes
    types: tuple[int, ...]


class _Bound(NamedTuple):
    """A statement with its values, converted."""

    kind: _Kind
    values: Sequence[Buffer | None]
    formats: Sequence[Format]


class Pipeline:
    """The round trips of one connection, which nobody else uses meanwhile.

    Raises psycopg.Error: what the server said of the first statement that failed (those after it were not run), or an
    OperationalError without SQLSTATE where the connection broke. In the latter case it is closed.
    """

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._converter = Transformer(connection)
        self._names: dict[_Kind, bytes] = {}  # of what is prepared
        self._numbers = count()

    def run(self, statements: Iterable[tuple[str, Sequence[Any]]]) -> list[Answer]:
        """The answer to each statement, in their order."""
        bound = [self._bind(text, values) for text, values in statements]
        self._prepare(one.kind for one in bound)
        return [self._read(result) for result in self._exchange(lambda: self._send(bound))]

    def _bind(self, text: str, values: Sequence[Any]) -> _Bound:
        converted = self._converter.dump_sequence(values, [PyFormat.AUTO] * len(values))
        return _Bound(_Kind(text.encode(), self._converter.types or ()), converted, self._converter.formats or ())

    def _prepare(self, kinds: Iterable[_Kind]) -> None:
        """In a round trip of its own, the first time a statement comes."""
        new = dict.fromkeys(kind for kind in kinds if kind not in self._names)
        named = {kind: b"%d" % next(self._numbers) for kind in islice(new, _MOST_PREPARED - len(self._names))}
        if named:
            self._exchange(lambda: self._send_names(named))
            self._names.update(named)

    def _send_names(self, named: dict[_Kind, bytes]) -> None:
        for kind, name in named.items():
            self._libpq.send_prepare(name, kind.text, kind.types)

    def _send(self, bound: list[_Bound]) -> None:
        for kind, values, formats in bound:
            name = self._names.get(kind)
            if name is not None:
                self._libpq.send_query_prepared(name, values, formats)
            else:
                self._libpq.send_query_params(kind.text, values, kind.types, formats)

    def _exchange(self, send: Callable[[], object]) -> list[PGresult]:
        """The results of what `send` sends, all of them good."""
        try:
            self._libpq.enter_pipeline_mode()
            send()
            self._libpq.pipeline_sync()
            results = list(self._receive())
            self._libpq.exit_pipeline_mode()
        except BaseException:
            self._connection.close()  # half of it may be on its way
            raise
        for result in results:
            if result.status not in _GOOD:
                raise errors.error_from_result(result)
        return results

    def _receive(self) -> Iterator[PGresult]:
        """Results as they come, up to the end of the round trip."""
        socket = select.poll()
        socket.register(self._libpq.socket, select.POLLIN | select.POLLOUT)
        while self._libpq.flush():  # more than the socket takes at once: the server may have to be read first
            socket.poll()
            self._libpq.consume_input()
        socket.modify(self._libpq.socket, select.POLLIN)
        while True:
            while self._libpq.is_busy():
                socket.poll()
                self._libpq.consume_input()
            result = self._libpq.get_result()
            if result is None:  # between two statements, or for ever
                if self._libpq.status == ConnStatus.BAD:
                    raise psycopg.OperationalError("the connection broke before the answers had come")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return
            else:
                yield result

    def _read(self, result: PGresult) -> Answer:
        changed = result.command_tuples or 0
        if result.status == ExecStatus.COMMAND_OK:
            return Answer([], changed)
        self._converter.set_pgresult(result)
        return Answer(self._converter.load_rows(0, result.ntuples, tuple), changed)
