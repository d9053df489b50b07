"""The record log: the lines in Kamailio's log that say which calls were answered and ended, read once and to the end.

`records` reads it. How far it got is kept in a file beside the logs. Each line has a number that counts up from 1 since
Kamailio's start: a number that never comes is a record that was lost, and is said.

Kamailio's own errors quote what strangers sent, line breaks and all. So a record begins with a key that only Kamailio
and the reader know: without it, one packet from anywhere could claim an hour of talk.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ringbid.edge.telephony.sip.messages import RecordLine

LOG_PATTERN = "engine-*.log"
_PLACE_FILE = "records.json"
_KEY_FILE = "records.key"
_MARK = "RINGBID-RECORD "
_KEPT_LOGS = 20
_AT_ONCE_BYTES = 1024 * 1024


def make_private(folder: Path) -> None:
    """Make a folder that nobody else may look into, and the one around it: the data folder, or that of recordings."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def record_key(folder: Path) -> str:
    """The key that records in this folder's logs begin with; made once, for the folder's owner's eyes only."""
    path = folder / _KEY_FILE
    if not path.exists():
        make_private(folder)
        fresh = folder / f"{_KEY_FILE}.{os.getpid()}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(16))
        with suppress(FileExistsError):  # Kamailio and the server start at the same time: the first key is the key
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text(encoding="ascii")


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
    _mark: bytes = field(default=b"")

    def read(self) -> Read:
        """The next records; none where everything was read."""
        self._mark = self._mark or f"{record_key(self.folder)} {_MARK}".encode()
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
            for line in chunk.split(b"\n"):
                _, marked, text = line.rpartition(self._mark)
                if not marked:
                    continue
                record = _parse(text)
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
            try:
                self._place = msgspec.json.decode((self.folder / _PLACE_FILE).read_bytes(), type=_Place)
            except (FileNotFoundError, msgspec.DecodeError):
                self._place = _Place()  # after a power cut it may be empty; records that come again change nothing
        return self._place

    def _whole_lines(self, log: str, offset: int) -> bytes:
        """The next bytes that end with a line; one that is being written is left for later."""
        with (self.folder / log).open("rb") as file:
            file.seek(offset)
            chunk = file.read(_AT_ONCE_BYTES)
        return chunk[: chunk.rfind(b"\n") + 1]


def _parse(text: bytes) -> RecordLine | None:
    try:
        return msgspec.json.decode(text, type=RecordLine)
    except msgspec.DecodeError:
        return None


def _count(place: _Place, number: int) -> None:
    if number in place.missing:
        place.missing.remove(number)
    elif number > place.highest:
        place.missing.extend(range(place.highest + 1, number))
        place.highest = number
