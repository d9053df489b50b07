"""The body of an ask: compiled once from the catalog's text or tree, filled to bytes for each ping.

Used by `buyers.webhook`. A tree goes through a serialiser after it is filled, so no value can break out of its string.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote_plus

import msgspec

from ringbid.buyers.template import Values, compile_template
from ringbid.catalog.model import Webhook

FillBody = Callable[[Values], bytes]

CONTENT_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "application/xml",
    "text": "text/plain; charset=utf-8",
}

_encode_json = msgspec.json.Encoder(decimal_format="number").encode


def compile_body(webhook: Webhook) -> FillBody:
    """What fills the body of `webhook`. `apply` has seen to it that body and body_type go together."""
    body = webhook.body
    if body is None:
        return _nothing
    if isinstance(body, str):
        text = compile_template(body, webhook.body_type)
        return lambda values: text.fill(values).encode()
    if webhook.body_type == "json":
        tree = _compile_tree(body)
        return lambda values: _encode_json(tree(values))
    assert webhook.body_type == "form", f"a tree as a body of type {webhook.body_type}"
    assert isinstance(body, dict), "a form is a mapping"
    return _compile_form(body)


def _nothing(_: Values) -> bytes:
    return b""


def _compile_tree(node: object) -> Callable[[Values], object]:
    """Strings are templates and stay strings, whatever fills them; keys and other scalars stay as they are."""
    if isinstance(node, str):
        return compile_template(node, "text").fill
    if isinstance(node, dict):
        fields = [(key, _compile_tree(value)) for key, value in node.items()]
        return lambda values: {key: fill(values) for key, fill in fields}
    if isinstance(node, list | tuple):
        items = [_compile_tree(item) for item in node]
        return lambda values: [fill(values) for fill in items]
    return lambda _: node


def _compile_form(body: dict[str, object]) -> FillBody:
    fields = [(quote_plus(name), compile_template(_text_of(value), "form").fill) for name, value in body.items()]
    return lambda values: "&".join(f"{name}={fill(values)}" for name, fill in fields).encode()


def _text_of(scalar: object) -> str:
    """As JSON writes it, but for texts and null."""
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return "" if scalar is None else str(scalar)
