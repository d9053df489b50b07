"""Captures become sound: decoding, order, gaps and what cannot be read."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest

from ringbid.edge.telephony.sip.captures import NotACapture, decode
from ringbid.edge.telephony.sip.recording import write_wav

CALLER, BUYER = ("192.0.2.1", 4000), ("192.0.2.2", 4002)
LOUD = 0x80  # in µ-law, the largest positive sample
LOUDEST = 32124


def packet(
    from_: tuple[str, int], *, at: float, sequence: int, timestamp: int, source: int = 7, codec: int = 0
) -> bytes:
    """An Ethernet frame in a pcap, with 20 ms of the loudest sound."""
    rtp = struct.pack(">BBHII", 0x80, codec, sequence, timestamp & 0xFFFFFFFF, source) + bytes([LOUD]) * 160
    udp = struct.pack(">HHHH", from_[1], 30000, 8 + len(rtp), 0) + rtp
    address = bytes(int(part) for part in from_[0].split("."))
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + address + bytes([10, 0, 0, 1]) + udp
    frame = bytes(12) + b"\x08\x00" + ip
    return struct.pack("<IIII", int(at), round(at % 1 * 1e6), len(frame), len(frame)) + frame


def write_capture(path: Path, *packets: bytes) -> Path:
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(packets))
    return path


def read_frames(path: Path) -> list[tuple[int, int]]:
    with wave.open(str(path), "rb") as file:
        return list(struct.iter_unpack("<hh", file.readframes(file.getnframes())))


def test_both_laws_of_g711_decode_to_their_extremes_and_to_silence() -> None:
    samples = struct.unpack("<4h", decode(bytes([0x80, 0x00, 0xFF, 0x7F]), 0))
    assert samples == (32124, -32124, 0, 0)
    samples = struct.unpack("<4h", decode(bytes([0xAA, 0x2A, 0xD5, 0x55]), 8))
    assert samples == (32256, -32256, 8, -8)


def test_each_side_has_its_channel_and_a_lost_packet_is_silence(tmp_path: Path) -> None:
    capture = write_capture(
        tmp_path / "a.pcap",
        packet(CALLER, at=1.00, sequence=1, timestamp=0xFFFFFFFF - 159),
        packet(BUYER, at=1.02, sequence=1, timestamp=5000, source=8),
        packet(CALLER, at=1.04, sequence=3, timestamp=160),
    )
    write_wav(capture, tmp_path / "a.wav", buyer=BUYER)
    frames = read_frames(tmp_path / "a.wav")
    assert [frames[at] for at in (0, 159, 160, 319, 320, 479)] == [
        (LOUDEST, 0), (LOUDEST, 0), (0, LOUDEST), (0, LOUDEST), (LOUDEST, 0), (LOUDEST, 0)
    ]  # fmt: skip
    assert len(frames) == 480


def test_packets_that_overtake_each_other_are_put_in_order(tmp_path: Path) -> None:
    capture = write_capture(
        tmp_path / "a.pcap",
        packet(CALLER, at=1.00, sequence=1, timestamp=0),
        packet(CALLER, at=1.04, sequence=3, timestamp=320),
        packet(CALLER, at=1.05, sequence=2, timestamp=160),
    )
    write_wav(capture, tmp_path / "a.wav", buyer=BUYER)
    assert read_frames(tmp_path / "a.wav") == [(LOUDEST, 0)] * 480


def test_a_long_call_is_whole_however_its_clock_jumps(tmp_path: Path) -> None:
    packets = [
        packet(
            CALLER, at=1 + n * 0.02, sequence=n, timestamp=n * 160 + (0 if n < 500 else 9_000_000), source=7 + n // 500
        )
        for n in range(1000)
    ]
    write_wav(write_capture(tmp_path / "a.pcap", *packets), tmp_path / "a.wav", buyer=BUYER)
    assert read_frames(tmp_path / "a.wav") == [(LOUDEST, 0)] * 160_000


def test_what_is_no_sound_is_passed_over(tmp_path: Path) -> None:
    other_codec = packet(CALLER, at=1.0, sequence=1, timestamp=0, codec=111)
    cut = packet(CALLER, at=1.02, sequence=2, timestamp=160)[:-30]
    write_wav(write_capture(tmp_path / "a.pcap", other_codec, cut[:40]), tmp_path / "a.wav", buyer=None)
    assert read_frames(tmp_path / "a.wav") == []


def test_a_file_that_is_no_capture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(b"RIFF" * 20)
    with pytest.raises(NotACapture):
        write_wav(tmp_path / "a.pcap", tmp_path / "a.wav", buyer=None)
    assert not (tmp_path / "a.wav").exists()
