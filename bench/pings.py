"""The pings that `bench.load` sends: each from another caller, so that none is a duplicate of an open reservation."""

from __future__ import annotations

AREA_CODES = (212, 213, 310, 315, 323, 347, 408, 415, 510, 516, 518, 562, 585, 607, 619, 626, 631, 646, 650, 661)
_EXCHANGES = tuple(exchange for exchange in range(220, 990) if exchange % 100 != 11)


def caller_number(index: int) -> str:
    """The caller of ping `index`: a different North American number for each of some 150 million."""
    area, rest = index % len(AREA_CODES), index // len(AREA_CODES)
    exchange = _EXCHANGES[rest // 10_000 % len(_EXCHANGES)]
    return f"+1{AREA_CODES[area]}{exchange}{rest % 10_000:04d}"


def ping_request(key: str, index: int) -> bytes:
    """The bytes of ping `index`: a JSON POST of some 260 bytes of body, with what publishers usually send."""
    body = (
        f'{{"key":"{key}","publisher_id":"bench","caller_number":"{caller_number(index)}",'
        '"caller_zip":"90210","age":"34","jornaya_id":"2C1F6A7E-4D0B-4C7B-9E0C-8A3D1F5B6E7A","sub_id":"google-brand-17",'
        '"homeowner":"yes","insured":"no"}'
    )
    return (
        f"POST /rtbs.json HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()
