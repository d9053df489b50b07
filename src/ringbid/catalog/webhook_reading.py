"""Webhooks of the file: requests as templates, and what is read from the answers.

Called by `campaign_reading`; `token_checks` then looks at the [tokens] of all webhooks of the campaign together.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, get_args

from ringbid.catalog import checks
from ringbid.catalog.fields import TAG, TAG_ALLOWED, Fields, as_text
from ringbid.catalog.model import Webhook, WebhookTrigger
from ringbid.catalog.problems import describe
from ringbid.catalog.references import Known
from ringbid.catalog.tokens import IDENTITY_TOKENS
from ringbid.values.ids import BuyerId

_Method = Literal["GET", "POST"]
_BodyType = Literal["json", "form", "xml", "text"]
_TRIGGERS: tuple[WebhookTrigger, ...] = get_args(WebhookTrigger)
_NOT_IDENTITY = f"any tag but what a ping says of itself: {', '.join(IDENTITY_TOKENS)}"
_LONGEST_URL = 4096
_LONGEST_BODY = 65_536
_LONGEST_EXPRESSION = 1024


def read_webhooks(campaign: Fields, known: Known) -> list[tuple[Fields, Webhook]]:
    """The webhooks of one campaign in the file's order, each with its fields for the checks that come later."""
    return [(fields, _read_webhook(fields, known)) for fields in campaign.mappings("webhooks", "name")]


def _read_webhook(fields: Fields, known: Known) -> Webhook:
    name = fields.text("name")
    trigger = fields.required_choice("on", _TRIGGERS)
    referred = fields.reference("buyer", known.buyers, "buyer")
    method: _Method = fields.choice("method", ("GET", "POST"), "POST")
    body_type: _BodyType = fields.choice("body_type", ("json", "form", "xml", "text"), "json")
    return Webhook(
        name=name,
        on=trigger,
        buyer=None if referred is None else BuyerId(referred),
        method=method,
        url=_read_url(fields),
        headers=_read_headers(fields),
        body=_read_body(fields, method, body_type),
        body_type=body_type,
        accept=_read_accept(fields),
        outputs=_read_outputs(fields),
    )


def _read_url(fields: Fields) -> str:
    url = fields.text("url", longest=_LONGEST_URL)
    wrong = checks.url(url) if url else None
    if wrong is not None:
        fields.refuse("url", found=url, allowed=wrong)
    return url


def _read_headers(fields: Fields) -> tuple[tuple[str, str], ...]:
    headers: dict[str, str] = {}
    lowered: set[str] = set()
    for name, value in fields.names("headers").items():
        inside = f".{name[:64]}"
        text = as_text(value)
        wrong = checks.header_name(name)
        if wrong is not None:
            fields.refuse("headers", found=name, allowed=wrong, inside=inside)
        if name.lower() in lowered:
            fields.refuse_as("headers", found="a second time", allowed="each header once, in any case", inside=inside)
        lowered.add(name.lower())
        wrong = checks.header_value(text or "")
        if wrong is not None:
            found = describe(value) if text is None else f"a text of {len(text)} characters"  # it may be a secret
            fields.refuse_as("headers", found=found, allowed=wrong, inside=inside)
        headers[name] = text or ""
    return tuple(headers.items())


def _read_body(fields: Fields, method: str, body_type: str) -> object:
    body = fields.value("body")
    if body is None:
        return None
    if method == "GET":
        fields.refuse("body", found=body, allowed="no body with method GET: use the URL, or method POST")
    if body_type in ("xml", "text") and not isinstance(body, str):
        fields.refuse("body", found=body, allowed=f"a text, for body_type {body_type}")
    if body_type == "form" and not _is_form(body):
        fields.refuse("body", found=body, allowed="a mapping of names to single values, for body_type form")
    if body_type == "json" and not isinstance(body, str | dict | list):
        fields.refuse("body", found=body, allowed="a mapping, a list or a text")
    if isinstance(body, str) and len(body) > _LONGEST_BODY:
        found = f"a text of {len(body)} characters"
        fields.refuse_as("body", found=found, allowed=f"at most {_LONGEST_BODY} characters")
    return _plain(body)


def _is_form(body: object) -> bool:
    return isinstance(body, dict) and all(
        value is None or isinstance(value, str | int | Decimal) for value in body.values()
    )


def _plain(value: object) -> object:
    """The tree without what the reader keeps beside it."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _read_accept(fields: Fields) -> str | None:
    accept = fields.optional_text("accept", longest=_LONGEST_EXPRESSION)
    wrong = checks.expression(accept) if accept is not None else None
    if wrong is not None:
        fields.refuse("accept", found=accept, allowed=wrong)
    return accept


def _read_outputs(fields: Fields) -> tuple[tuple[str, str], ...]:
    outputs: dict[str, str] = {}
    for tag, value in fields.names("outputs").items():
        inside = f".{tag[:64]}"
        if not TAG.fullmatch(tag):
            fields.refuse("outputs", found=tag, allowed=TAG_ALLOWED, inside=inside)
        elif tag in IDENTITY_TOKENS:
            fields.refuse("outputs", found=tag, allowed=_NOT_IDENTITY, inside=inside)
        text = value if isinstance(value, str) and len(value) <= _LONGEST_EXPRESSION else None
        wrong = f"a JMESPath expression of at most {_LONGEST_EXPRESSION} characters"
        if text is not None:
            wrong = checks.expression(text) or ""
        if wrong:
            fields.refuse("outputs", found=value, allowed=wrong, inside=inside)
        outputs[tag] = text or ""
    return tuple(outputs.items())
