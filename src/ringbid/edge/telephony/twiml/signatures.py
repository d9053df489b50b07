"""Is a request really from the carrier? Its signature over the address it called and what it sent.

Used by `endpoint`, before anything else is read from a request; the simulated carrier signs with `sign_form`. Twilio,
SignalWire and somleng sign the URL and the form with a shared secret (HMAC-SHA1, their choice); Telnyx signs a
timestamp and the body with a private key. The first carry no time: a replay is harmless only because nothing is done
twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from ringbid.settings import Carrier
from ringbid.values.clock import EPOCH

Form = tuple[tuple[str, str], ...]

TWILIO_HEADER = "x-twilio-signature"
SIGNALWIRE_HEADER = "x-signalwire-signature"
TELNYX_HEADER = "telnyx-signature-ed25519"
TELNYX_TIME_HEADER = "telnyx-timestamp"
TOLERANCE = timedelta(minutes=5)

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request as it came. `url` is what the carrier called, made from the configured public address and never from
    headers, which anybody may write."""

    url: str
    form: Form
    body: bytes
    headers: Mapping[str, str]  # names in lower case


def why_forged(carrier: Carrier, request: SignedRequest, now: datetime) -> str | None:
    """Why this request is not to be believed, for the log; None where it is the carrier's."""
    secret = carrier.secret.get_secret_value()
    if carrier.kind == "telnyx":
        return _why_forged_telnyx(secret, request, now)
    # SignalWire's newer name first; the other is the one that its Twilio-compatible callbacks have had.
    names = (SIGNALWIRE_HEADER, TWILIO_HEADER) if carrier.kind == "signalwire" else (TWILIO_HEADER,)
    signature = next((request.headers[name] for name in names if name in request.headers), None)
    if signature is None:
        return "no signature"
    given = signature.encode("utf-8")
    # All are compared, whichever fits: the time taken tells nothing.
    fits = [
        hmac.compare_digest(sign_form(secret, url, request.form).encode(), given) for url in _spellings(request.url)
    ]
    return None if any(fits) else "wrong signature"


def sign_form(secret: str, url: str, form: Form) -> str:
    """Base64 of the HMAC-SHA1 of the URL, followed by each parameter's name and value, sorted. Values that a name has
    twice count once."""
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def telnyx_time(headers: Mapping[str, str]) -> datetime | None:
    """When Telnyx says that it signed."""
    text = headers.get(TELNYX_TIME_HEADER, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        return None
    return EPOCH + timedelta(seconds=int(text))


def _why_forged_telnyx(public_key: str, request: SignedRequest, now: datetime) -> str | None:
    # Loaded where the first such carrier calls: others need not pay for it.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 -- as said above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 -- as said above

    signature, signed_at = request.headers.get(TELNYX_HEADER), telnyx_time(request.headers)
    if signature is None or signed_at is None:
        return "no signature"
    if abs(now - signed_at) > TOLERANCE:
        return "signed too long ago, or by a clock that is wrong"
    signed = request.headers[TELNYX_TIME_HEADER].encode() + b"|" + request.body
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, binascii.Error, ValueError):
        return "wrong signature"
    return None


def _spellings(url: str) -> tuple[str, ...]:
    """The URL as it is, and with or without the port that goes without saying: carriers sign either."""
    parts = urlsplit(url)
    default = _DEFAULT_PORTS.get(parts.scheme)
    if default is None or parts.hostname is None:
        return (url,)
    if parts.port is None:
        other = f"{parts.netloc}:{default}"
    elif parts.port == default:
        other = parts.netloc.rpartition(":")[0]
    else:
        return (url,)
    return url, url.replace(f"//{parts.netloc}", f"//{other}", 1)
