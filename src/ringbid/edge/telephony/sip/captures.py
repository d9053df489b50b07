"""Sound in a packet capture: pcap file → RTP packets of G.711 → samples. Pure reading, for `recording`.

Written for what rtpengine writes (classic pcap with Ethernet frames, one frame a packet), and tolerant of the rest: a
packet that cannot be read is passed over.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_ETHERNET = 1
_GLOBAL_HEADER_BYTES = 24
_PACKET_HEADER_BYTES = 16
_LONGEST_PACKET_BYTES = 65_535
_IPV4, _IPV6 = 0x0800, 0x86DD
_UDP = 17
_PCMU, _PCMA = 0, 8


class NotACapture(Exception):  # noqa: N818 -- what the file is, named as such
    """The file is no packet capture that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One RTP packet. `at` is when it came, in seconds; `timestamp` counts samples; `pcm` is 16 bit, little endian."""

    at: float
    flow: tuple[str, int, str, int]  # from whom, and to which port of ours
    source: int  # SSRC: a new one begins a new count
    timestamp: int
    pcm: bytes


def read_sounds(file: BinaryIO) -> Iterator[Sound]:
    """All G.711 packets in a capture, in the order in which they came. Raises NotACapture."""
    head = file.read(_GLOBAL_HEADER_BYTES)
    if len(head) < _GLOBAL_HEADER_BYTES or head[:4] not in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4"):
        raise NotACapture("no pcap header")
    order = "<" if head[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    if struct.unpack(f"{order}I", head[20:24])[0] != _ETHERNET:
        raise NotACapture("not Ethernet")
    while len(header := file.read(_PACKET_HEADER_BYTES)) == _PACKET_HEADER_BYTES:
        seconds, fraction, length, _ = struct.unpack(f"{order}IIII", header)
        if length > _LONGEST_PACKET_BYTES:
            return  # damaged: what follows cannot be found
        sound = _read_frame(file.read(length), at=seconds + fraction / 1_000_000)
        if sound is not None:
            yield sound


def _read_frame(frame: bytes, *, at: float) -> Sound | None:
    if len(frame) < 14:
        return None
    kind, packet = int.from_bytes(frame[12:14], "big"), frame[14:]
    if kind == _IPV4 and len(packet) >= 20 and packet[9] == _UDP:
        start = (packet[0] & 0x0F) * 4
        addresses = packet[12:16], packet[16:20]
    elif kind == _IPV6 and len(packet) >= 40 and packet[6] == _UDP:
        start = 40
        addresses = packet[8:24], packet[24:40]
    else:
        return None
    datagram = packet[start:]
    if len(datagram) < 8:
        return None
    ports = struct.unpack(">HH", datagram[:4])
    from_, to = (str(ipaddress.ip_address(address)) for address in addresses)
    return _read_rtp(datagram[8:], at=at, flow=(from_, ports[0], to, ports[1]))


def _read_rtp(packet: bytes, *, at: float, flow: tuple[str, int, str, int]) -> Sound | None:
    if len(packet) < 12 or packet[0] >> 6 != 2:
        return None
    codec = packet[1] & 0x7F
    if codec not in (_PCMU, _PCMA):
        return None
    start = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10 and len(packet) >= start + 4:  # a header extension
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    timestamp, source = struct.unpack(">II", packet[4:12])
    return Sound(at=at, flow=flow, source=source, timestamp=timestamp, pcm=decode(packet[start:end], codec))


def decode(payload: bytes, codec: int) -> bytes:
    """G.711 as 16 bit samples: µ-law (codec 0) or A-law (codec 8)."""
    low, high = _TABLES[codec]
    samples = bytearray(2 * len(payload))
    samples[0::2] = payload.translate(low)
    samples[1::2] = payload.translate(high)
    return bytes(samples)


def _mu_law(code: int) -> int:
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _a_law(code: int) -> int:
    code ^= 0x55
    exponent, mantissa = (code & 0x70) >> 4, code & 0x0F
    magnitude = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude


def _tables(samples: list[int]) -> tuple[bytes, bytes]:
    return bytes(sample & 0xFF for sample in samples), bytes(sample >> 8 & 0xFF for sample in samples)


_TABLES = {
    _PCMU: _tables([_mu_law(code) for code in range(256)]),
    _PCMA: _tables([_a_law(code) for code in range(256)]),
}
