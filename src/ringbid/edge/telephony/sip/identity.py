"""Who calls, as the headers of an INVITE say: the number, and what is known of whether it may be believed. Pure.

Used by `messages`.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote

import msgspec

from ringbid.catalog.phone_parsing import parse_network_phone
from ringbid.values.phone import PhoneNumber

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_HEADER_USER = re.compile(r"(?:sips?|tel):([^@;>?\s]+)", re.IGNORECASE)
_VERSTAT = re.compile(r"verstat=([A-Za-z0-9-]+)", re.IGNORECASE)


def caller_of(address: str) -> PhoneNumber | None:
    """The first number: there may be a SIP address beside a `tel:` one."""
    numbers = (parse_network_phone(unquote(user)) for user in _HEADER_USER.findall(address))
    return next((number for number in numbers if number is not None), None)


def address_in(header: str) -> str:
    """A header without the name that stands beside its address: whoever calls may choose it, and could write another
    number or an attestation there."""
    text = _QUOTED.sub("", header)
    _, bracket, named = text.partition("<")
    return named if bracket else text


def stir_tags(asserted: str, from_: str, identity: str) -> dict[str, str]:
    """`stir_attestation` A, B or C, and `stir_verified` true or false: what the carrier verified (`verstat`), else what
    an Identity header claims, which nobody has verified."""
    tags: dict[str, str] = {}
    verstat = _VERSTAT.search(asserted) or _VERSTAT.search(from_)
    if verstat is not None:
        passed = re.fullmatch(r"TN-Validation-Passed(?:-([ABC]))?", verstat[1], re.IGNORECASE)
        tags["stir_verified"] = "true" if passed else "false"
        if passed:
            tags["stir_attestation"] = (passed[1] or "A").upper()
            return tags
    claimed = _claimed_attestation(identity)
    if claimed is not None:
        tags["stir_attestation"] = claimed
        tags.setdefault("stir_verified", "false")
    return tags


def _claimed_attestation(identity: str) -> str | None:
    """The `attest` claim of a PASSporT (RFC 8588): header.payload.signature, each in base64url."""
    parts = identity.partition(";")[0].strip().split(".")
    if len(parts) != 3:
        return None
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, msgspec.DecodeError):
        return None
    attest = claims.get("attest") if isinstance(claims, dict) else None
    return attest if attest in {"A", "B", "C"} else None
