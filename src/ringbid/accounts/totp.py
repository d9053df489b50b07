"""One-time codes of an authenticator app (RFC 6238), and the recovery codes that stand in for a lost phone."""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from datetime import datetime

import pyotp

from ringbid.accounts.tokens import hash_token
from ringbid.values.clock import to_ms
from ringbid.values.ids import RandomBytes

STEP_SECONDS = 30
RECOVERY_CODES = 10
_SECRET_BYTES = 20
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_CODE_LETTERS = 12


def new_secret(random_bytes: RandomBytes) -> str:
    """In base32, as apps take it."""
    return b32encode(random_bytes(_SECRET_BYTES)).decode()


def enrolment_uri(secret: str, *, email: str) -> str:
    """What the QR code says to the app."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Ringbid")


def find_step(secret: str, code: str, *, at: datetime) -> int | None:
    """The time step (since 1970) that `code` belongs to: now, or one step to either side; None: it is wrong.

    A step must be taken only once, and none before it afterwards: the store sees to that.
    """
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    now_step = to_ms(at) // 1000 // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    matching = [
        step for step in (now_step + 1, now_step, now_step - 1) if hmac.compare_digest(totp.generate_otp(step), digits)
    ]
    return matching[0] if matching else None


def new_recovery_codes(random_bytes: RandomBytes) -> tuple[str, ...]:
    """Codes such as `abcd-efgh-jkmn`: shown once, each good for one sign-in."""
    return tuple(_recovery_code(random_bytes) for _ in range(RECOVERY_CODES))


def hash_recovery_code(code: str) -> str:
    """However it is typed. Each is 59 random bits, and tries are limited: fast hashing will do."""
    return hash_token(re.sub(r"[\s-]", "", code.lower()))


def _recovery_code(random_bytes: RandomBytes) -> str:
    # 256 is no multiple of 31, but 8 bytes a letter leave no bias that matters.
    letters = [_LETTERS[int.from_bytes(random_bytes(8), "big") % len(_LETTERS)] for _ in range(_CODE_LETTERS)]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, _CODE_LETTERS, 4))
