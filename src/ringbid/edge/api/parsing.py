"""The one place that parses requests: bytes into parameters, or what is wrong with them.

Parameters come from the query, a form body or a JSON body; the body wins. Text is UTF-8; `ping.request` reads its
meaning.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from ringbid.ping.request import Parameter
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

BODY_LIMIT_BYTES = 65536
MOST_PARAMETERS = 200
LONGEST_KEY = 64
LONGEST_VALUE = 1024

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_KEY_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\[\]\u2028\u2029]")
_json = msgspec.json.Decoder(float_hook=Decimal)
_REPEATABLE = frozenset({"geo"})
_FORM = "application/x-www-form-urlencoded"


def read_parameters(query: bytes, body: bytes, content_type: str) -> dict[str, Parameter] | Refused:
    """All parameters of a request, each checked against the limits; or the first thing that is wrong."""
    parameters = _read_pairs(query)
    if isinstance(parameters, Refused):
        return parameters
    if body and not body.isspace():
        from_body = _read_body(body, content_type)
        if isinstance(from_body, Refused):
            return from_body
        parameters.update(from_body)
    return _check(parameters)


def _read_body(body: bytes, content_type: str) -> dict[str, Parameter] | Refused:
    """JSON and forms are told apart by the body itself where the content type is missing or the usual wrong one:
    `curl -d '{…}'` says it sends a form."""
    kind = content_type.partition(";")[0].strip().lower()
    looks_like_json = body.lstrip()[:1] == b"{"
    if kind == "application/json" or kind.endswith("+json") or (looks_like_json and kind in ("", _FORM, "text/plain")):
        return _read_json(body)
    if kind in ("", _FORM):
        return _read_pairs(body)
    return Refused(
        Reason.BODY_TYPE_UNSUPPORTED, actual=kind[:60], expected="application/json or application/x-www-form-urlencoded"
    )


def _read_json(body: bytes) -> dict[str, Parameter] | Refused:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return Refused(Reason.ENCODING_INVALID, actual=f"byte {error.start} of the body", expected="UTF-8")
    try:
        tree = _json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        return Refused(Reason.BODY_UNREADABLE, actual=str(error)[:120], expected="a JSON object")
    if not isinstance(tree, dict):
        return Refused(Reason.BODY_UNREADABLE, actual=f"a JSON {_kind_of(tree)}", expected="a JSON object")
    parameters: dict[str, Parameter] = {}
    for key, value in tree.items():
        if value is None:
            continue
        text = _json_text(value)
        if text is None:
            expected = "text, a number, true, false, or a list of these"
            return Refused(
                Reason.TAG_VALUE_INVALID, actual=f"a nested {_kind_of(value)} in {key[:64]}", expected=expected
            )
        parameters[key] = text
    return parameters


def _kind_of(value: object) -> str:
    """JSON's own word for the kind of a value."""
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return "string" if isinstance(value, str) else "value"


def _json_text(value: object) -> Parameter | None:
    """A JSON value as text; None where it is nested."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, list):
        items = [_json_text(item) for item in value]
        return (
            tuple(item for item in items if isinstance(item, str)) if all(isinstance(i, str) for i in items) else None
        )
    return None


def _read_pairs(encoded: bytes) -> dict[str, Parameter] | Refused:
    """A query string or form body."""
    if not encoded:
        return {}
    try:
        pairs = _split(encoded.decode())
    except UnicodeDecodeError:
        return Refused(Reason.ENCODING_INVALID, actual="bytes that are not UTF-8", expected="percent-encoded UTF-8")
    parameters: dict[str, Parameter] = {}
    for key, value in pairs:
        known = parameters.get(key)
        if known is None:
            parameters[key] = value
        elif key in _REPEATABLE:
            parameters[key] = (*((known,) if isinstance(known, str) else known), value)
        elif known != value:
            return Refused(
                Reason.PARAMETER_REPEATED, actual=f"{key[:64]} twice, with different values", expected="once"
            )
    return parameters


def _split(text: str) -> list[tuple[str, str]]:
    """As `urllib.parse.parse_qsl` with blank values and strict errors; five times faster, since most parts have nothing
    to decode (a property test compares the two). Raises UnicodeDecodeError."""
    pairs = []
    for part in text.split("&"):
        if part:
            key, _, value = part.partition("=")
            pairs.append((_unquoted(key), _unquoted(value)))
    return pairs


def _unquoted(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    return unquote(text, errors="strict") if "%" in text else text


@lru_cache(maxsize=4096)
def _is_good_key(key: str) -> bool:
    """May a parameter have this name? Remembered, since publishers send the same names with every ping."""
    return 0 < len(key) <= LONGEST_KEY and _KEY_FORBIDDEN.search(key) is None


def _check(parameters: dict[str, Parameter]) -> dict[str, Parameter] | Refused:
    if len(parameters) > MOST_PARAMETERS:
        return Refused(Reason.TOO_MANY_TAGS, actual=str(len(parameters)), expected=f"at most {MOST_PARAMETERS}")
    for key, value in parameters.items():
        if not _is_good_key(key):
            expected = f"1 to {LONGEST_KEY} characters without spaces, brackets or control characters"
            actual = f"{len(key)} characters: {key[:LONGEST_KEY]}…" if len(key) > LONGEST_KEY else repr(key)
            return Refused(Reason.TAG_KEY_INVALID, actual=actual, expected=expected)
        for text in (value,) if isinstance(value, str) else value:
            if len(text) > LONGEST_VALUE:
                actual = f"{len(text)} characters in {key}"
                return Refused(Reason.TAG_VALUE_INVALID, actual=actual, expected=f"at most {LONGEST_VALUE}")
            if not text.isprintable() and _CONTROL.search(text):
                return Refused(
                    Reason.TAG_VALUE_INVALID, actual=f"a control character in {key}", expected="printable text"
                )
        if not isinstance(value, str) and len(value) > MOST_PARAMETERS:
            return Refused(
                Reason.TOO_MANY_TAGS, actual=f"{len(value)} values of {key}", expected=f"at most {MOST_PARAMETERS}"
            )
    return parameters
