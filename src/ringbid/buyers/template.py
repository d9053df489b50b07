"""`[token]` replacement: a text from the catalog, compiled once, filled with a ping's values in a single pass.

Compiled by `buyers.webhook` (and by whoever fills a buyer's number); the values come from the ping's tags. There is no
template language: what a value contains is never looked at again, so `[[a]]`, `{{7*7}}` or `${x}` mean nothing.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, quote_plus

from ringbid.catalog.tokens import TOKEN

Place = Literal["url", "json", "header", "form", "xml", "text"]
Values = Mapping[str, str | tuple[str, ...]]

# Who is asked is the catalog's word alone: no value ever fills a host, and `[::1]` there is an address.
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
# Everything that may stand in a URL as it is; a space, a control character or another script's letter may not.
_URL_LITERAL = "%/:?#[]@!$&'()*+,;=~"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _in_url(value: str) -> str:
    return quote(value, safe="")


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _in_xml(value: str) -> str:
    return html.escape(_NOT_IN_XML.sub("", value))


def _as_it_is(value: str) -> str:
    return value


# A header's value stays as it is: the webhook judges the whole header, and the client does so again on the wire.
_ESCAPES: dict[Place, Callable[[str], str]] = {
    "url": _in_url,
    "json": _in_json,
    "header": _as_it_is,
    "form": quote_plus,
    "xml": _in_xml,
    "text": _as_it_is,
}


@dataclass(frozen=True, slots=True)
class Template:
    """A text cut at its tokens: `first`, then pairs of a token's name and the literal text after it."""

    first: str
    rest: tuple[tuple[str, str], ...]
    escape: Callable[[str], str]

    @property
    def tokens(self) -> frozenset[str]:
        """The names that `fill` looks up."""
        return frozenset(name for name, _ in self.rest)

    def fill(self, values: Values) -> str:
        """The text with each token replaced by its value, escaped for its place.

        A tag of several values is joined by commas; a token without a value becomes nothing.
        """
        if not self.rest:
            return self.first
        parts = [self.first]
        for name, literal in self.rest:
            value = values.get(name)
            if value:
                parts.append(self.escape(value if isinstance(value, str) else ",".join(value)))
            parts.append(literal)
        return "".join(parts)


def compile_template(text: str, place: Place) -> Template:
    """`text` ready to fill. `place` says where the filled text will stand, and so how values are escaped.

    `url`: as one percent-encoded component, scheme and host being taken as they stand; `json`: for the inside of a JSON
    string; `form`: as one urlencoded name or value; `xml`: for text or a quoted attribute; `header`, `text`: as it is.
    """
    origin = _ORIGIN.match(text) if place == "url" else None
    start = origin.end() if origin else 0
    pieces = TOKEN.split(text[start:])
    literals, names = pieces[::2], pieces[1::2]
    if place == "url":
        literals = [quote(literal, safe=_URL_LITERAL) for literal in literals]
    return Template(text[:start] + literals[0], tuple(zip(names, literals[1:], strict=True)), _ESCAPES[place])
