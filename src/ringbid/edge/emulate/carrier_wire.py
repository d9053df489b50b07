"""How a simulated carrier speaks: which parameters it sends, how it signs, and what it does where nobody answers.

Used by `edge.emulate.carrier`. The requests go out through `buyers.protocol.Outbound`, like everything that leaves.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from random import Random
from typing import Literal
from urllib.parse import urlencode

from ringbid.buyers.protocol import Answer, Ask, Outbound
from ringbid.edge.telephony.twiml.signatures import (
    SIGNALWIRE_HEADER,
    TELNYX_HEADER,
    TELNYX_TIME_HEADER,
    TWILIO_HEADER,
    Form,
    sign_form,
)
from ringbid.settings import CarrierKind
from ringbid.values.clock import Clock, format_utc, to_ms
from ringbid.values.verdict import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a carrier treats requests. `repeats`: how often it sends each, as a nervous one does. `retries`: how often it
    asks the same address again before it takes the fallback. `order`: in which the ends of Dial and of its leg are
    told, each waited for where it is not `together`."""

    request_seconds: float = 15.0
    retries: int = 0
    repeats: int = 1
    order: Literal["together", "dial_done_first", "leg_first"] = "together"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request, and how it was answered: a status, or a reason why there is none."""

    url: str
    form: Form
    headers: tuple[tuple[str, str], ...]
    outcome: int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a carrier pretends to be. `signing_key`: the shared secret; of Telnyx the private key, in base64."""

    kind: CarrierKind
    signing_key: str
    account: str


@dataclass(slots=True, kw_only=True)
class Wire:
    """Sends one carrier's requests. `reaches`: where a public address really leads, as (public, real) beginnings."""

    identity: Identity
    outbound: Outbound
    clock: Clock
    habits: Habits
    reaches: tuple[str, str] | None = None
    sent: list[Sent] = field(default_factory=list)

    async def post(self, url: str, fields: Mapping[str, str]) -> Answer | None:
        """The last answer with a good status; None where there was none."""
        good: Answer | None = None
        for _ in range(self.habits.repeats):
            for _ in range(1 + self.habits.retries):
                answer = await self._post_once(url, fields)
                if isinstance(answer, Answer) and 200 <= answer.status < 300:
                    good = answer
                    break
        return good

    async def _post_once(self, url: str, fields: Mapping[str, str]) -> Answer | Refused:
        form = tuple(fields.items())
        body = urlencode(form).encode()
        headers = (
            ("content-type", "application/x-www-form-urlencoded"),
            *signature_headers(self.identity, url, form, body, self.clock.now()),
        )
        public, real = self.reaches or ("", "")
        target = real + url.removeprefix(public) if public and url.startswith(public) else url
        ask = Ask(webhook_name="carrier", method="POST", url=target, headers=headers, body=body)
        answer = await self.outbound.send(ask, ends_at=self.clock.monotonic() + self.habits.request_seconds)
        outcome = answer.status if isinstance(answer, Answer) else answer.reason.code
        self.sent.append(Sent(url=url, form=form, headers=headers, outcome=outcome))
        return answer


def signature_headers(
    identity: Identity, url: str, form: Form, body: bytes, at: datetime
) -> tuple[tuple[str, str], ...]:
    """The headers that prove a request."""
    if identity.kind == "telnyx":
        # As in `signatures`: loaded where such a carrier is.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 -- as said above

        time = str(to_ms(at) // 1000)
        private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(identity.signing_key))
        signature = base64.b64encode(private.sign(time.encode() + b"|" + body)).decode()
        return (TELNYX_TIME_HEADER, time), (TELNYX_HEADER, signature)
    header = SIGNALWIRE_HEADER if identity.kind == "signalwire" else TWILIO_HEADER
    return ((header, sign_form(identity.signing_key, url, form)),)


def telnyx_public_key(private_key: str) -> str:
    """The public key, in base64, that belongs to a private one: what the settings of such a carrier have."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 -- as above

    public = Ed25519PrivateKey.from_private_bytes(base64.b64decode(private_key)).public_key()
    return base64.b64encode(public.public_bytes_raw()).decode()


def new_sid(kind: CarrierKind, random: Random) -> str:
    """A call's id, as this carrier writes it."""
    digits = f"{random.getrandbits(128):032x}"
    if kind == "telnyx":
        return f"v3:{digits}-{digits[:12]}_Q"
    if kind == "twilio":
        return f"CA{digits}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def stir_fields(kind: CarrierKind, attestation: str | None) -> dict[str, str]:
    """What this carrier says of the caller's attestation (A, B, C, or None where there was none)."""
    if kind == "telnyx":
        if attestation is None:
            return {}
        return {"ShakenStirAttestation": attestation, "ShakenStirValidated": "true"}
    return {"StirVerstat": "No-TN-Validation" if attestation is None else f"TN-Validation-Passed-{attestation}"}


def timestamp(kind: CarrierKind, at: datetime) -> str:
    """The moment of an event, as this carrier writes it."""
    return format_utc(at) if kind == "telnyx" else format_datetime(at.replace(microsecond=0))
