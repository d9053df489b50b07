"""A webhook of the catalog as two pure functions: `build_ask` from a ping's values, `read_bid` from the answer.

Compiled once for each snapshot (`routing.plan`); `edge.outbound` carries what is built; `ping.trace` shows both sides
with `redact` and `show_answer`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

import msgspec

from ringbid import __version__
from ringbid.buyers.answer_json import read_json
from ringbid.buyers.body import CONTENT_TYPES, FillBody, compile_body
from ringbid.buyers.outputs import Expression, Kind, Output, is_true, shown
from ringbid.buyers.protocol import Answer, Ask, Bid
from ringbid.buyers.template import Template, Values, compile_template
from ringbid.catalog.model import Webhook
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

MAX_URL_LENGTH = 8192
MAX_HEADER_LENGTH = 8192
MAX_BODY_BYTES = 262_144
SHOWN_LENGTH = 2000

_DEFAULT_HEADERS = {"Accept": "application/json", "User-Agent": f"ringbid/{__version__}"}
_PATH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*([^?#]*)")
_SLASH = re.compile(r"[/\\]")

_SUSPECT = "key|token|secret|auth|passw|pwd|cookie|signature|credential|session"
_SECRET_NAME = re.compile(_SUSPECT, re.IGNORECASE)
_SECRET_ELEMENT = re.compile(rf"(<[^\s<>/]{{0,40}}(?:{_SUSPECT})[^<>]{{0,200}}>)[^<]*", re.IGNORECASE)
_SECRET_MEMBER = re.compile(
    rf"""([\w-]{{0,40}}(?:{_SUSPECT})[\w-]{{0,40}}["']?\s{{0,9}}[:=]\s{{0,9}})("[^"]*"?|[^\s&,;<>}}]+)""", re.IGNORECASE
)
_USER_INFO = re.compile(r"://[^/?#]*@")
_MASK = "•••"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledWebhook:
    """One webhook, ready for any number of pings. Both methods are pure."""

    webhook: Webhook
    setting: str  # where it stands in the catalog: `campaigns[auto].webhooks[charlie bid]`
    url: Template
    path_has_tokens: bool
    headers: tuple[tuple[str, Template], ...]
    fixed_headers: tuple[tuple[str, str], ...] | None  # all of them, where none has tokens
    fill_body: FillBody
    accept: Expression | None
    outputs: tuple[Output, ...]

    def build_ask(self, values: Values) -> Ask | Refused:
        """The request for this ping. Refused: ASK_UNBUILDABLE, where a value does not fit where the webhook puts it."""
        url = self.url.fill(values)
        if self.path_has_tokens and _climbs(url):
            return self._unbuildable("url", actual="a path with '.' or '..' in it", expected="plain path segments")
        if len(url) > MAX_URL_LENGTH:
            return self._unbuildable("url", actual=f"{len(url)} characters", expected=f"at most {MAX_URL_LENGTH}")
        headers = self.fixed_headers or self._fill_headers(values)
        if isinstance(headers, Refused):
            return headers
        body = self.fill_body(values)
        if len(body) > MAX_BODY_BYTES:
            return self._unbuildable("body", actual=f"{len(body)} bytes", expected=f"at most {MAX_BODY_BYTES}")
        webhook = self.webhook
        return Ask(webhook_name=webhook.name, method=webhook.method, url=url, headers=headers, body=body)

    def _fill_headers(self, values: Values) -> tuple[tuple[str, str], ...] | Refused:
        headers: list[tuple[str, str]] = []
        for name, template in self.headers:
            value = template.fill(values).strip(" ")
            if len(value) > MAX_HEADER_LENGTH or not (value.isascii() and value.isprintable()):
                expected = f"at most {MAX_HEADER_LENGTH} visible ASCII characters"
                actual = _MASK if _is_secret(name) else shown(value)
                return self._unbuildable(f"headers.{name}", actual=actual, expected=expected)
            headers.append((name, value))
        return tuple(headers)

    def read_bid(self, answer: Answer) -> Bid | Refused:
        """The tags that the answer fills. Refused: ASK_ANSWERED_ERROR, BID_UNREADABLE, BUYER_DECLINED.

        Where the webhook takes nothing from the answer, any 2xx will do, whatever its body.
        """
        if not 200 <= answer.status <= 299:
            return Refused(Reason.ASK_ANSWERED_ERROR, actual=f"HTTP {answer.status}", expected="HTTP 2xx")
        if self.accept is None and not self.outputs:
            return Bid(tags={})
        if not answer.body.strip():
            return Bid(tags={}) if self.accept is None else self._declined("an answer without content")
        document = read_json(answer.body)
        if isinstance(document, Refused):
            return document
        if self.accept is not None:
            accepted = self.accept.value_in(document)
            if isinstance(accepted, Refused):
                return accepted
            if not is_true(accepted):
                return self._declined(f"{self.accept.text} is {shown(accepted)}")
        tags: dict[str, str] = {}
        for output in self.outputs:
            text = output.read(document)
            if isinstance(text, Refused):
                return text
            if text is not None:
                tags[output.tag] = text
        return Bid(tags=tags)

    def _declined(self, actual: str) -> Refused:
        return Refused(Reason.BUYER_DECLINED, actual=actual, expected="true", setting=f"{self.setting}.accept")

    def _unbuildable(self, part: str, *, actual: str, expected: str) -> Refused:
        return Refused(Reason.ASK_UNBUILDABLE, actual=actual, expected=expected, setting=f"{self.setting}.{part}")


def compile_webhook(
    webhook: Webhook, *, setting: str, money_tags: frozenset[str], seconds_tags: frozenset[str]
) -> CompiledWebhook:
    """`webhook`, ready to ask and to read. `setting` is where it stands in the catalog; `money_tags` and
    `seconds_tags`: the outputs that a price depends on.

    Raises jmespath's ParseError where an expression is none: `apply` refuses those.
    """
    path = _PATH.match(webhook.url)
    headers = _compile_headers(webhook)
    has_tokens = any(template.tokens for _, template in headers)
    return CompiledWebhook(
        webhook=webhook,
        setting=setting,
        url=compile_template(webhook.url, "url"),
        path_has_tokens=bool(path and compile_template(path[1], "url").tokens),
        headers=headers,
        fixed_headers=None if has_tokens else tuple((name, template.first) for name, template in headers),
        fill_body=compile_body(webhook),
        accept=None if webhook.accept is None else Expression(webhook.accept),
        outputs=tuple(
            Output(tag, Expression(text), _kind_of(tag, money_tags, seconds_tags), f"{setting}.outputs.{tag}")
            for tag, text in webhook.outputs
        ),
    )


def _kind_of(tag: str, money_tags: frozenset[str], seconds_tags: frozenset[str]) -> Kind:
    return "money" if tag in money_tags else "seconds" if tag in seconds_tags else "text"


def _compile_headers(webhook: Webhook) -> tuple[tuple[str, Template], ...]:
    """The catalog's headers, then ours where it says nothing. Answers are wanted as they are: a bomb is compressed."""
    own = {name.lower() for name, _ in webhook.headers}
    defaults = dict(_DEFAULT_HEADERS)
    if webhook.body is not None:
        defaults["Content-Type"] = CONTENT_TYPES[webhook.body_type]
    added = [(name, value) for name, value in defaults.items() if name.lower() not in own]
    every = (*webhook.headers, *added, ("Accept-Encoding", "identity"))
    return tuple((name, compile_template(value, "header")) for name, value in every)


def _climbs(url: str) -> bool:
    """Does the path, once a server has decoded it, have a `.` or `..` segment?"""
    path = _PATH.match(url)
    return path is not None and any(segment in (".", "..") for segment in _SLASH.split(unquote(path[1])))


# --- for the trace ----------------------------------------------------------------------------------------------------


def redact(ask: Ask) -> str:
    """`ask` as text: control characters escaped, cut to SHOWN_LENGTH, and `•••` for what has the name of a secret."""
    lines = [f"{ask.method} {_visible(_redact_url(ask.url))}"]
    lines.extend(f"{name}: {_MASK if _is_secret(name) else _visible(value)}" for name, value in ask.headers)
    if ask.body:
        lines.append("")
        lines.append(_visible(_redact_body(ask.body)))
    return _cut("\n".join(lines))


def show_answer(answer: Answer) -> str:
    """The raw body of `answer` as text: control characters escaped, cut to SHOWN_LENGTH."""
    return _cut(_visible(answer.body[: SHOWN_LENGTH + 1].decode(errors="backslashreplace")))


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(unquote_plus(name)) is not None


def _redact_url(url: str) -> str:
    address, mark, query = url.partition("?")
    return _USER_INFO.sub(f"://{_MASK}@", address) + mark + _redact_fields(query)


def _redact_fields(text: str) -> str:
    """`a=1&key=2` → `a=1&key=•••`."""
    if "=" not in text:
        return text
    pairs = (pair.partition("=") for pair in text.split("&"))
    return "&".join(name + mark + (_MASK if value and _is_secret(name) else value) for name, mark, value in pairs)


def _redact_body(body: bytes) -> str:
    text = body.decode(errors="backslashreplace")
    if text[0] in "{[":
        try:
            tree = msgspec.json.decode(body)
        except msgspec.DecodeError:
            pass  # a text of the owner's own making
        else:
            redacted = _redact_tree(tree)
            return text if redacted == tree else msgspec.json.encode(redacted).decode()
    fields = _redact_fields(text[: 2 * SHOWN_LENGTH])
    return _SECRET_MEMBER.sub(rf"\1{_MASK}", _SECRET_ELEMENT.sub(rf"\1{_MASK}", fields))


def _redact_tree(node: object) -> object:
    if isinstance(node, dict):
        return {name: _MASK if _is_secret(name) else _redact_tree(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_redact_tree(item) for item in node]
    return node


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…"
