"""Tones in WAV files: made for the ends of a call to play, and found again in what was recorded."""

from __future__ import annotations

import array
import math
import wave
from pathlib import Path

RATE = 8000


def write_tone(path: Path, *, hertz: int, seconds: float) -> Path:
    """A sine at half of the full volume, in mono."""
    samples = array.array(
        "h", (round(16000 * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(round(RATE * seconds)))
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def read_channels(path: Path) -> list[array.array[int]]:
    """The samples of each channel."""
    with wave.open(str(path), "rb") as file:
        assert (file.getsampwidth(), file.getframerate()) == (2, RATE)
        samples = array.array("h", file.readframes(file.getnframes()))
        return [samples[channel :: file.getnchannels()] for channel in range(file.getnchannels())]


def share_of(samples: array.array[int], hertz: int) -> float:
    """How much of the sound's power is this tone: 1.0 for the pure tone, near 0 for another one or silence."""
    power = sum(sample * sample for sample in samples)
    if power == 0:
        return 0.0
    step = 2 * math.pi * hertz / RATE
    # In pieces, so that a gap or a jump in the sound does not make the tone cancel itself out.
    piece = 400
    found = 0.0
    for start in range(0, len(samples) - piece + 1, piece):
        cosine = sum(samples[start + n] * math.cos(step * n) for n in range(piece))
        sine = sum(samples[start + n] * math.sin(step * n) for n in range(piece))
        found += 2 * (cosine * cosine + sine * sine) / piece
    return found / power
