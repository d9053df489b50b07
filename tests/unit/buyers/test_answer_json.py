"""Strict JSON: the parser table of hostile bodies, and numbers that keep their digits."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbid.buyers.answer_json import ExactNumber, plain_number, read_json
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

# body, a part of what is said about it
REFUSED: dict[str, tuple[bytes, str]] = {
    "NaN": (b'{"bid": NaN}', "the number NaN"),
    "Infinity": (b'{"bid": Infinity}', "the number Infinity"),
    "1e309": (b'{"bid": 1e309}', "the number 1e309"),
    "-1e309": (b'{"bid": -1e309}', "the number -1e309"),
    "1e-400": (b'{"bid": 1e-400}', "the number 1e-400"),
    "an exponent beyond decimals": (b"1e99999999999999999999", "the number 1e999"),
    "nothing with an absurd exponent": (b"0e999999", "the number 0e999999"),
    "duplicate keys": (b'{"bid": 1, "bid": 99}', "the key 'bid' twice"),
    "duplicate keys, one escaped": (b'{"bid": 1, "\\u0062id": 99}', "the key 'bid' twice"),
    "bad UTF-8": (b'{"a": "\xff"}', "not UTF-8: byte 0xff at 7"),
    "a lone surrogate": (b'{"a": "\\ud800"}', "half of a surrogate pair"),
    "a lone surrogate in a key": (b'{"\\udfff": 1}', "half of a surrogate pair"),
    "NUL, escaped": (b'{"a": ["\\u0000"]}', "a NUL character"),
    "NUL, raw": (b'{"a": "\0"}', "not JSON: Invalid control character"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "a byte order mark"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    "UTF-16 without a mark": ('{"a": 1}'.encode("utf-16-le"), "not JSON"),
    "trailing text": (b'{"a": 1} x', "not JSON: Extra data at character 9"),
    "an integer of 5,000 digits": (b"1" * 5000, "a number of 5000 characters"),
    "a float with excess digits": (b"0." + b"1" * 60, "a number of 62 characters"),
    "depth 1,000": (b"[" * 1000 + b"]" * 1000, "nested more than 32 deep"),
    "depth 32,000": (b'{"a":[' * 16_000, "nested more than 32 deep"),
    "depth behind a long string": (b'["' + b'\\"[' * 9_000 + b'"' + b"[" * 40, "nested more than 32 deep"),
    "a leading zero": (b'{"a": 01}', "not JSON"),
    "a plus sign": (b'{"a": +1}', "not JSON"),
    "a comment": (b'{"a": 1 /* one */}', "not JSON"),
    "empty": (b"", "not JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_that_two_parsers_could_read_differently_is_refused_and_says_what_was_found(name: str) -> None:
    body, said = REFUSED[name]
    result = read_json(body)
    assert isinstance(result, Refused)
    assert result.reason is Reason.BID_UNREADABLE
    assert said in (result.actual or "")
    assert result.expected == "one JSON value in UTF-8"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b" true ", True),
        (b"1180591620717411303424", 2**70),
        (b"[" * 32 + b"]" * 32, json.loads("[" * 32 + "]" * 32)),
        (b'{"a": "' + b"[" * 5_000 + b'"}', {"a": "[" * 5_000}),
        (b"[" + b"[]," * 5_000 + b"[]]", [[]] * 5_001),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b'"\\\\u0000"', "\\u0000"),
        (b'{"a": null, "A": -0}', {"a": None, "A": 0}),
    ],
)
def test_what_is_plain_is_read(body: bytes, value: object) -> None:
    assert read_json(body) == value


def test_a_million_keys_cut_to_the_byte_limit_end_as_unreadable() -> None:
    body = b"{" + b",".join(b'"k%d":1' % number for number in range(8_000))
    assert isinstance(read_json(body[:65_536]), Refused)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("1.17300", "1.17300"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("-0.0", "0.0"),
        ("0.1", "0.1"),
        ("-2.50", "-2.50"),
    ],
)
def test_a_number_keeps_the_digits_that_stood_on_the_wire(written: str, plain: str) -> None:
    number = read_json(written.encode())
    assert isinstance(number, ExactNumber)
    assert number.exact == Decimal(written)
    assert plain_number(number.exact) == plain


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.text(st.characters(exclude_categories=["Cs"]).filter(bool)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.booleans())
def test_any_ordinary_json_is_read_as_the_standard_library_reads_it(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    if "\\u0000" not in text:
        assert read_json(text.encode()) == value


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"[", b"{", b'"', b"\\", b"]", b"}", b"1", b",", b":"])).map(b"".join)
)
def test_no_body_makes_the_parser_raise(body: bytes) -> None:
    read_json(body)
