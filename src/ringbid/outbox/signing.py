"""Signatures by the Standard Webhooks specification, so that a receiver can check them with its libraries.

Secrets are made in `store.outbox_turn` when a company first needs one; `worker.outbox` signs each try anew. Here and
not by the specification's own library, because that signs text only, and a body is bytes in any encoding; the tests
verify with the library.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable

from ringbid.values.ids import RandomBytes

SECRET_BYTES = 32
_PREFIX = "whsec_"
_OURS = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"})


def new_secret(random_bytes: RandomBytes) -> str:
    """A fresh secret: `whsec_` and 32 random bytes in base64."""
    return _PREFIX + b64encode(random_bytes(SECRET_BYTES)).decode()


def sign(message_id: str, *, timestamp: int, body: bytes, secrets: Iterable[str]) -> str:
    """The value of `webhook-signature`: one for each secret, so that a receiver may still have the old one."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    digests = (hmac.digest(b64decode(secret.removeprefix(_PREFIX)), signed, "sha256") for secret in secrets)
    return " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests)


def signed_headers(
    headers: Iterable[tuple[str, str]], message_id: str, *, timestamp: int, body: bytes, secrets: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """`headers` with the three of the specification, which replace any of the same name."""
    return (
        *(header for header in headers if header[0].lower() not in _OURS),
        ("webhook-id", message_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", sign(message_id, timestamp=timestamp, body=body, secrets=secrets)),
    )
