"""Answers that are kept for a day, for a program that asks again because it never heard them.

`edge.api.v1.idempotency` keeps them; `store.kept_answers` keeps the promises. An answer may have a secret that is shown
once, so it is kept sealed: only who sends the same credential and the same Idempotency-Key can open it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from hashlib import sha256
from typing import Protocol

KEPT_FOR = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(minutes=1)  # who is at work for longer was killed meanwhile: the next one may try

_PURPOSE = b"ringbid kept answer\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptUse:
    """One use of an Idempotency-Key. `use_hash` tells apart companies, credentials and keys; `fingerprint` is of all
    that was asked."""

    use_hash: str
    fingerprint: str


class Taken(Enum):
    """What there is of a use that is begun."""

    FIRST = "first"  # nothing: go to work
    UNDER_WAY = "under way"
    OTHER_REQUEST = "other request"


class KeptAnswers(Protocol):
    """Every method raises StoreOverloaded and StoreUnavailable."""

    async def begin(self, use: KeptUse) -> bytes | Taken:
        """The sealed answer, or what there is else. With FIRST the use is taken: `keep` or `release` it."""
        ...

    async def keep(self, use: KeptUse, sealed: bytes) -> None: ...

    async def release(self, use: KeptUse) -> None:
        """It came to nothing: whoever asks again is the first."""
        ...


def seal_answer(answer: bytes, secret: str) -> bytes:
    """`answer`, to be opened with `secret` alone: a credential, which nobody can guess, and what else is sent."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 -- slow to load, and only for who sends such a key

    return Fernet(_sealing_key(secret)).encrypt(answer)


def open_answer(sealed: bytes, secret: str) -> bytes:
    """What `seal_answer` sealed. Raises cryptography's InvalidToken with another secret."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 -- as above

    return Fernet(_sealing_key(secret)).decrypt(sealed)


def _sealing_key(secret: str) -> bytes:
    return urlsafe_b64encode(sha256(_PURPOSE + secret.encode(errors="surrogateescape")).digest())
