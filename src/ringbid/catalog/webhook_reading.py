"""Webhooks of the file: requests as templates, and what is read from the answers.

Called by `campaign_reading`; `token_checks` then looks at the [tokens] of all webhooks of the campaign together.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, get_args

from ringbid.catalog import checks
from ringbid.catalog.fields import TAG, TAG_ALLOWED, Fields, as_text
from ringbid.catalog.model import Side, Webhook, WebhookTrigger
from ringbid.catalog.problems import describe
from ringbid.catalog.references import Known
from ringbid.catalog.tokens import HOLDING_TRIGGERS, IDENTITY_TOKENS
from ringbid.values.ids import BuyerId

_Method = Literal["GET", "POST"]
_BodyType = Literal["json", "form", "xml", "text"]
_TRIGGERS: tuple[WebhookTrigger, ...] = get_args(WebhookTrigger)
_NOT_IDENTITY = f"any tag but what a ping says of itself: {', '.join(IDENTITY_TOKENS)}"
_LONGEST_URL = 4096
_LONGEST_BODY = 65_536
_LONGEST_EXPRESSION = 1024
_LONGEST_HOLD_SECONDS = 30


def read_webhooks(campaign: Fields, known: Known) -> list[tuple[Fields, Webhook]]:
    """The webhooks of one campaign in the file's order, each with its fields for the checks that come later."""
    return [(fields, _read_webhook(fields, known)) for fields in campaign.mappings("webhooks", "name")]


def _read_webhook(fields: Fields, known: Known) -> Webhook:
    name = fields.text("name")
    trigger = fields.required_choice("on", _TRIGGERS)
    referred = fields.reference("buyer", known.buyers, "buyer")
    method: _Method = fields.choice("method", ("GET", "POST"), "POST")
    body_type: _BodyType = fields.choice("body_type", ("json", "form", "xml", "text"), "json")
    fields.value("hold_seconds")  # known, also where `on` is not
    hold_seconds = 0
    if trigger in HOLDING_TRIGGERS:
        hold_seconds = fields.integer("hold_seconds", 0, low=0, high=_LONGEST_HOLD_SECONDS)
    side: Side = fields.choice("side", get_args(Side), "payout")
    if fields.value("on") == trigger:  # else there is a problem already, and `trigger` is a stand-in
        _refuse_what_means_nothing(fields, trigger, hold_seconds)
    return Webhook(
        name=name,
        on=trigger,
        buyer=None if referred is None else BuyerId(referred),
        hold_seconds=hold_seconds,
        side=side,
        method=method,
        url=_read_url(fields),
        headers=_read_headers(fields),
        body=_read_body(fields, method, body_type),
        body_type=body_type,
        accept=_read_accept(fields),
        outputs=_read_outputs(fields),
    )


def _refuse_what_means_nothing(fields: Fields, trigger: WebhookTrigger, hold_seconds: int) -> None:
    """What is of other triggers, and what would be read from an answer that nobody waits for."""
    if trigger != "converted":
        fields.refuse_given("side", allowed="only on: converted is of a side")
    holding = " or ".join(HOLDING_TRIGGERS)
    if trigger not in HOLDING_TRIGGERS:
        fields.refuse_given("hold_seconds", allowed=f"a call is held on {holding}")
    if trigger == "passthrough" or hold_seconds:
        return
    mend = "hold_seconds of at least 1"
    if trigger not in HOLDING_TRIGGERS:
        mend = f"on: passthrough, or {holding} with hold_seconds"
    for name in ("accept", "outputs"):
        if fields.value(name) not in (None, {}):
            fields.refuse_as(name, found=f"{name} of an answer that nobody waits for", allowed=mend)


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
