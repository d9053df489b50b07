"""What a publisher needs to ping with one key: the address, the parameters, programs to copy, sample answers, and what
to do about each of them. Pure; shown by the posting page. Nothing of buyers or of other publishers is here.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from ringbid.catalog.model import Campaign, Catalog, Publisher, RtbKey, TagDeclaration, TagType
from ringbid.ping.reply import refused_body, reserved_body
from ringbid.reservations.reservation import Reservation, State
from ringbid.values.facts import Fault, Stage
from ringbid.values.ids import BuyerId, PingId
from ringbid.values.phone import PhoneNumber
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

YOUR_KEY = "YOUR_KEY"
SAMPLE_CALLER = "+12125550123"
_SAMPLE_ID = PingId("018fc523-1aae-7c41-9a55-3f0c6f1f2a11")
_SAMPLES: dict[TagType, str] = {"text": "example", "number": "42", "boolean": "true", "date": "2026-01-31"}
# Requests that were understood, and end as an answer with HTTP 200.
_ANSWERED = (
    Reason.RTB_DISABLED,
    Reason.KEY_PAUSED,
    Reason.CAMPAIGN_PAUSED,
    Reason.PUBLISHER_UNKNOWN,
    Reason.PUBLISHER_PAUSED,
    Reason.REQUIRED_TAG_MISSING,
    Reason.NUMBER_UNAVAILABLE,
)
_OF_PINGS = (Reason.RESERVED, Reason.DUPLICATE, Reason.NO_BUYER_AVAILABLE, Reason.PAYOUT_UNKNOWN)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a ping."""

    name: str
    required: bool
    type: str
    example: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Snippet:
    """A program that sends one ping."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Ending:
    """A code that an answer may have, in the publisher's words. `status`: the HTTP status, None where it is 200."""

    code: str
    reason: Reason
    text: str
    todo: str

    @property
    def answered(self) -> bool:
        """Does it come with HTTP 200?"""
        return self.reason in _ANSWERED or self.reason in _OF_PINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    url: str
    parameters: tuple[Parameter, ...]
    snippets: tuple[Snippet, ...]
    success: str
    rejection: str
    endings: tuple[Ending, ...]
    ttl_seconds: int
    timeout_seconds: str


def instructions(
    catalog: Catalog,
    campaign: Campaign,
    key: RtbKey,
    publisher: Publisher,
    *,
    address: str,
    secret: str | None,
    now: datetime,
) -> Instructions:
    """For this publisher and key. `address` is where the server is reached, `secret` the key where it is known."""
    parameters = _parameters(catalog, key, publisher, secret)
    sent = {one.name: one.example for one in parameters if one.required}
    endpoint = f"{address}/rtbs.json"
    return Instructions(
        url=f"{endpoint}?{urlencode(sent)}",
        parameters=parameters,
        snippets=_snippets(endpoint, sent),
        success=_pretty(_sample_success(catalog, campaign, key, publisher, now)),
        rejection=_pretty(refused_body(_SAMPLE_ID, "no-target", Refused(Reason.NO_BUYER_AVAILABLE))),
        endings=tuple(_endings()),
        ttl_seconds=key.ttl_seconds,
        timeout_seconds=f"{key.timeout_seconds:f}",
    )


def _parameters(catalog: Catalog, key: RtbKey, publisher: Publisher, secret: str | None) -> tuple[Parameter, ...]:
    known = [
        Parameter("key", True, "text", secret or YOUR_KEY, "Your key for this campaign. Keep it secret."),
        Parameter("publisher_id", True, "text", publisher.id, "Who you are here."),
        Parameter(
            "caller_number",
            not key.allow_no_caller_number,
            "phone number",
            SAMPLE_CALLER,
            "The caller's own number. Send the same as caller ID when you transfer the call.",
        ),
        Parameter("caller_zip", False, "zip code", "10001", "Where the caller is. It helps to find a buyer."),
    ]
    named = {one.name for one in known}
    tags = [_of_tag(tag) for tag in catalog.tags if tag.key not in named and (tag.required or not tag.private)]
    return (*known, *sorted(tags, key=lambda one: not one.required))


def _of_tag(tag: TagDeclaration) -> Parameter:
    return Parameter(tag.key, tag.required, tag.type, _SAMPLES[tag.type], "About the caller.")


def _snippets(endpoint: str, sent: dict[str, str]) -> tuple[Snippet, ...]:
    curl = " \\\n  ".join(
        [
            f"curl {shlex.quote(endpoint)}",
            *(f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in sent.items()),
        ]
    )
    fields = json.dumps(sent, indent=2)
    php = ",\n".join(f"    {_php(name)} => {_php(value)}" for name, value in sent.items())
    return (
        Snippet("curl", curl),
        Snippet(
            "JavaScript",
            f"const answer = await fetch({json.dumps(endpoint)}, {{\n"
            f'  method: "POST",\n  body: new URLSearchParams({_indent(fields)}),\n}});\n'
            "const ping = await answer.json();\n"
            'if (ping.status === "reserved") {\n'
            "  // Transfer the call to ping.inbound_number before ping.expires_at.\n}\n",
        ),
        Snippet(
            "PHP",
            "<?php\n$context = stream_context_create(['http' => [\n  'method' => 'POST',\n"
            "  'header' => 'Content-Type: application/x-www-form-urlencoded',\n"
            f"  'ignore_errors' => true,\n  'content' => http_build_query([\n{php},\n  ]),\n]]);\n"
            f"$ping = json_decode(file_get_contents({_php(endpoint)}, false, $context), true);\n"
            "if ($ping['status'] === 'reserved') {\n"
            "  // Transfer the call to $ping['inbound_number'] before $ping['expires_at'].\n}\n",
        ),
        Snippet(
            "Python",
            "import json\nimport urllib.parse\nimport urllib.request\n\n"
            f"fields = {fields}\n"
            f"request = urllib.request.Request({json.dumps(endpoint)}, urllib.parse.urlencode(fields).encode())\n"
            "with urllib.request.urlopen(request, timeout=30) as answer:\n    ping = json.load(answer)\n"
            'if ping["status"] == "reserved":\n'
            '    print("transfer to", ping["inbound_number"], "before", ping["expires_at"])\n',
        ),
    )


def _php(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")


def _pretty(body: bytes) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)


def _sample_success(catalog: Catalog, campaign: Campaign, key: RtbKey, publisher: Publisher, now: datetime) -> bytes:
    number = key.inbound_number or (campaign.numbers[0].number if campaign.numbers else PhoneNumber("+18885551234"))
    reservation = Reservation(
        ping_id=_SAMPLE_ID,
        company_id=catalog.company.id,
        campaign_id=campaign.id,
        key_id=key.id,
        publisher_id=publisher.id,
        caller_number=PhoneNumber(SAMPLE_CALLER),
        buyer_id=BuyerId(""),
        buyer_number="",
        inbound_number=number,
        quote=Quote(
            revenue_micros=0,
            payout_micros=10_000_000,
            seconds=90,
            currency=catalog.company.currency,
            rule_id=None,
            rule_version=None,
        ),
        state=State.HELD,
        counted=False,
        ttl_seconds=key.ttl_seconds,
        reserved_at=now,
        expires_at=now + timedelta(seconds=key.ttl_seconds),
    )
    return reserved_body(reservation, sip_domain=None)


def _endings() -> list[Ending]:
    of_requests = [reason for reason in Reason if reason.public and reason.stage is Stage.REQUEST]
    return [Ending(reason.safe_code, reason, reason.safe_text, _todo(reason)) for reason in (*_OF_PINGS, *of_requests)]


def _todo(reason: Reason) -> str:
    if reason is Reason.RESERVED:
        return "Transfer the call to inbound_number before expires_at, with the same caller ID."
    if reason is Reason.DUPLICATE:
        return "Transfer the call: the place is still held. Do not ping again for this caller."
    if reason is Reason.NO_BUYER_AVAILABLE:
        return "Send the caller elsewhere, or try again later."
    if reason.retry:
        return "Try again after a pause; as long as Retry-After says, where the answer has it."
    if reason.fault is Fault.PUBLISHER:
        return "Correct the request; it will not help to repeat it as it is."
    return "Ask whoever gave you this page. It will not help to repeat the request."
