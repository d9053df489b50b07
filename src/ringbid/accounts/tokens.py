"""Secrets that we make and others keep: sessions, links, API keys. The store knows their SHA-256 alone.

They are 32 random bytes, so that nothing is gained by hashing them slowly.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

from ringbid.values.ids import RandomBytes

KEY_PREFIX = "rbk_"
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is told once, to whom it is for; `hash` is stored."""

    text: str
    hash: str


def new_token(random_bytes: RandomBytes, *, prefix: str = "") -> Token:
    """A secret that nobody guesses, of letters, digits, - and _."""
    text = prefix + urlsafe_b64encode(random_bytes(_BYTES)).rstrip(b"=").decode()
    return Token(text, hash_token(text))


def hash_token(text: str) -> str:
    """What the store recognises it by, in hex."""
    return sha256(text.encode()).hexdigest()


def new_id(prefix: str, random_bytes: RandomBytes) -> str:
    """A name for something, such as `u_5f0c…`: no secret."""
    return f"{prefix}_{random_bytes(8).hex()}"


def form_token(cookie: str) -> str:
    """What forms of the browser that has this cookie must send along: other sites cannot know it."""
    return hmac.new(cookie.encode(), b"ringbid form", sha256).hexdigest()


def is_form_token(sent: str, cookie: str) -> bool:
    return hmac.compare_digest(sent.encode(), form_token(cookie).encode())
