"""Recordings: what rtpengine captured of a call becomes a WAV file, the caller on the left and the buyer on the right.

A task beside rtpengine, in `ringbid sip run` and the demo: decoding costs about a second for an hour of talk, which a
server that answers pings should not pay. Each file is named by its attempt; the capture is removed when it is whole.
"""

from __future__ import annotations

import asyncio
import os
import re
import wave
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import structlog

from ringbid.edge.telephony.sip.captures import NotACapture, Sound, read_sounds
from ringbid.edge.telephony.sip.config import recordings_folder
from ringbid.edge.telephony.sip.engine import raw_recordings_folder
from ringbid.settings import Settings
from ringbid.values.clock import Clock, SystemClock

SAMPLE_RATE = 8000
_PAUSE_SECONDS = 1.0
_SAMPLE_BYTES = 2
_WAIT_SAMPLES = 2 * SAMPLE_RATE  # a packet that comes later than this behind the others is left out
_LONGEST_GAP_SAMPLES = 60 * SAMPLE_RATE
_ATTEMPT = re.compile(r"attempt:([0-9a-f-]{36})")
_BUYER = re.compile(r"buyer:(\S+?):(\d+)\s*$", re.MULTILINE)

_log = structlog.get_logger(__name__)


class Recordings:
    """Turns captures into WAV files as calls end, and removes those that are old."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._raw = raw_recordings_folder(settings)
        self._folder = recordings_folder(settings)
        self._kept = timedelta(days=settings.retention.recording_days)
        self._clock = clock or SystemClock()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.to_thread(self.convert_new)
            await asyncio.to_thread(self.remove_old)
            await asyncio.sleep(_PAUSE_SECONDS)

    def convert_new(self) -> list[Path]:
        """Convert the calls that have ended since; the new files. rtpengine writes the description last."""
        return [path for path in map(self._convert, sorted(self._raw.glob("metadata/*.txt"))) if path is not None]

    def remove_old(self) -> list[Path]:
        """Remove the recordings whose time is over; which they were."""
        before = (self._clock.now() - self._kept).timestamp()
        old = [path for path in self._folder.glob("*.wav") if path.stat().st_mtime < before]
        for path in old:
            path.unlink(missing_ok=True)
        return old

    def _convert(self, description: Path) -> Path | None:
        try:
            text = description.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None  # somebody else converts, too, and was quicker
        capture = self._raw / "pcaps" / Path(text.partition("\n")[0].strip()).name
        attempt = _ATTEMPT.search(text)
        path = self._folder / f"{attempt[1] if attempt else capture.stem}.wav"
        try:
            write_wav(capture, path, buyer=_buyer_of(text))
        except (OSError, NotACapture) as error:
            _log.warning("recording_unreadable", capture=capture.name, error=str(error))
            with suppress(FileNotFoundError):
                description.replace(description.with_suffix(".unreadable"))
            return None
        capture.unlink(missing_ok=True)
        description.unlink(missing_ok=True)
        return path


@dataclass(slots=True)
class _Channel:
    """One side's samples from `start` on; what lies before has been written. Offsets count from the first packet of
    the call."""

    start: int = 0
    samples: bytearray = field(default_factory=bytearray)
    source: int | None = None
    shift: int = 0

    def place(self, sound: Sound, arrived: int) -> None:
        """Put a packet where its timestamp says; where its source is new, where it arrived."""
        offset = _signed(sound.timestamp + self.shift)
        if sound.source != self.source or abs(offset - arrived) > _LONGEST_GAP_SAMPLES:
            self.source = sound.source
            self.shift = arrived - sound.timestamp
            offset = arrived
        begin = (offset - self.start) * _SAMPLE_BYTES
        if begin < 0:
            return
        self.fill(offset + len(sound.pcm) // _SAMPLE_BYTES)
        self.samples[begin : begin + len(sound.pcm)] = sound.pcm

    def fill(self, until: int) -> None:
        """Silence up to this offset."""
        lacking = (until - self.start) * _SAMPLE_BYTES - len(self.samples)
        if lacking > 0:
            self.samples.extend(bytes(lacking))

    def take(self, until: int) -> bytes:
        """The samples up to this offset, which are then gone from here."""
        self.fill(until)
        size = (until - self.start) * _SAMPLE_BYTES
        taken = bytes(self.samples[:size])
        del self.samples[:size]
        self.start = until
        return taken

    @property
    def end(self) -> int:
        return self.start + len(self.samples) // _SAMPLE_BYTES


def write_wav(capture: Path, path: Path, *, buyer: tuple[str, int] | None) -> None:
    """Decode a capture into a WAV file of two channels; it appears when it is whole. Raises OSError, NotACapture.

    `buyer` is the address from which the buyer said that its sound comes. Where none of the sound comes from there, the
    side that was heard first is taken for the caller.
    """
    fresh = path.with_suffix(".part")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with capture.open("rb") as file, os.fdopen(descriptor, "wb") as out, wave.open(out, "wb") as wav:
        wav.setnchannels(2)
        wav.setsampwidth(_SAMPLE_BYTES)
        wav.setframerate(SAMPLE_RATE)
        caller, callee = _Channel(), _Channel()
        sides: dict[tuple[str, int, str, int], _Channel] = {}
        began_at: float | None = None
        for sound in read_sounds(file):
            began_at = sound.at if began_at is None else began_at
            arrived = round((sound.at - began_at) * SAMPLE_RATE)
            side = sides.get(sound.flow)
            if side is None:
                is_buyer = sound.flow[:2] == buyer or (buyer is None and bool(sides))
                side = sides[sound.flow] = callee if is_buyer else caller
            side.place(sound, arrived)
            if arrived - caller.start > 2 * _WAIT_SAMPLES:
                wav.writeframesraw(_interleave(caller, callee, arrived - _WAIT_SAMPLES))
        wav.writeframes(_interleave(caller, callee, max(caller.end, callee.end)))
    fresh.replace(path)


def _interleave(left: _Channel, right: _Channel, until: int) -> bytes:
    first, second = left.take(until), right.take(until)
    frames = bytearray(2 * len(first))
    for byte in range(_SAMPLE_BYTES):
        frames[byte::4] = first[byte::2]
        frames[byte + 2 :: 4] = second[byte::2]
    return bytes(frames)


def _signed(offset: int) -> int:
    """Timestamps have 32 bits and wrap: the offset that is near 0 or above."""
    wrapped = offset & 0xFFFFFFFF
    return wrapped - (1 << 32) if wrapped >= 1 << 31 else wrapped


def _buyer_of(description: str) -> tuple[str, int] | None:
    found = _BUYER.search(description)
    return (found[1], int(found[2])) if found else None
