"""The record log: the lines in Kamailio's log that say which calls were answered and ended, read once and to the end.

`records` reads it. How far it got is kept in a file beside the logs. Each line has a number that counts up from 1 since
Kamailio's start: a number that never comes is a record that was lost, and is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ringbid.edge.telephony.sip.messages import RecordLine

LOG_PATTERN = "engine-*.log"
_PLACE_FILE = "records.json"
_MARK = b"RINGBID-RECORD "
_KEPT_LOGS = 20
_AT_ONCE_BYTES = 1024 * 1024


class _Place(msgspec.Struct):
    """How far reading got: the file, the bytes of it that were read, the highest number in it, and those still open."""

    log: str = ""
    offset: int = 0
    highest: int = 0
    missing: list[int] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one look found. `lost`: records that some earlier run of Kamailio counted and never wrote."""

    records: list[RecordLine]
    lost: int
    unreadable: int


@dataclass(slots=True)
class RecordLog:
    """The logs in `folder`. `read`, then `remember` when what was read is durable."""

    folder: Path
    _place: _Place | None = field(default=None)
    _next: _Place | None = field(default=None)

    def read(self) -> Read:
        """The next records; none where everything was read."""
        place = msgspec.structs.replace(self._load())
        place.missing = list(place.missing)
        lost = 0
        logs = sorted(path.name for path in self.folder.glob(LOG_PATTERN))
        records: list[RecordLine] = []
        unreadable = 0
        for log in logs:
            if log < place.log:
                continue
            if log > place.log:
                lost += len(place.missing)  # Kamailio that wrote the log before has ended: nothing more comes there
                place = _Place(log=log)
            chunk = self._whole_lines(log, place.offset)
            place.offset += len(chunk)
            for line in _lines(chunk):
                record = _parse(line)
                if record is None:
                    unreadable += 1
                    continue
                records.append(record)
                _count(place, record.number)
            if chunk:
                break  # the rest in the next look, so that one look is never too long
        self._next = place
        return Read(records=records, lost=lost, unreadable=unreadable)

    def remember(self) -> None:
        """What the last `read` returned need not be read again, also after a crash."""
        if self._next is None or self._next == self._place:
            return
        path = self.folder / _PLACE_FILE
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(self._next))
        fresh.replace(path)
        self._place = self._next
        for log in sorted(self.folder.glob(LOG_PATTERN))[:-_KEPT_LOGS]:
            if log.name < self._place.log:
                log.unlink()

    @property
    def missing(self) -> int:
        """How many numbers below the highest have not come: workers write at once, so they may come a moment later."""
        return len(self._load().missing)

    def _load(self) -> _Place:
        if self._place is None:
            path = self.folder / _PLACE_FILE
            self._place = msgspec.json.decode(path.read_bytes(), type=_Place) if path.exists() else _Place()
        return self._place

    def _whole_lines(self, log: str, offset: int) -> bytes:
        """The next bytes that end with a line; one that is being written is left for later."""
        with (self.folder / log).open("rb") as file:
            file.seek(offset)
            chunk = file.read(_AT_ONCE_BYTES)
        return chunk[: chunk.rfind(b"\n") + 1]


def _lines(chunk: bytes) -> Iterator[bytes]:
    return (line for line in chunk.split(b"\n") if _MARK in line)


def _parse(line: bytes) -> RecordLine | None:
    try:
        return msgspec.json.decode(line.partition(_MARK)[2], type=RecordLine)
    except msgspec.DecodeError:
        return None


def _count(place: _Place, number: int) -> None:
    if number in place.missing:
        place.missing.remove(number)
    elif number > place.highest:
        place.missing.extend(range(place.highest + 1, number))
        place.highest = number
