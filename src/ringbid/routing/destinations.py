"""Where a number may lead that a tag has filled: the wall against toll fraud.

What the owner writes into the catalog is the owner's own word. A number that comes with a buyer's answer, a ping or a
written tag is a stranger's, and the company pays for the call: it must be in one of the company's `destinations`. Used
by `routing.candidate`, compiled with each campaign's plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ringbid.catalog.phone_parsing import costs_extra, parse_phone
from ringbid.catalog.tokens import tokens_in
from ringbid.routing.geo import place_of_number
from ringbid.values.phone import PhoneNumber, area_code

_NORTH_AMERICA = frozenset({"US", "CA"})
_TOLL_FREE = frozenset({"800", "833", "844", "855", "866", "877", "888"})
_PREMIUM_EXCHANGE = "976"  # of any area code
# A user, a host, a port and plain parameters. Nothing that names a second host: no headers, no `maddr`, no route.
_SIP = re.compile(
    r"sips?:(?:([A-Za-z0-9._~+!*'()&=$%\-]+)@)?([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::\d{1,5})?"
    r"((?:;[A-Za-z0-9-]+(?:=[A-Za-z0-9._+-]+)?)*)"
)
_WRITTEN_HOST = re.compile(r"sips?:(?:[^@]*@)?([^@;?\[\]]+)(?:[;?].*)?")
_ELSEWHERE = re.compile(r";(?:maddr|lr|route|received)(?:[;=]|$)", re.IGNORECASE)
# Digits that a carrier would dial: with a plus, a percent-encoded one, an international prefix, or none.
_DIALLED = re.compile(r"(?:\+|%2b)?[0-9.()\-]{7,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Destinations:
    """`countries` by their codes, `prefixes` of numbers, SIP `hosts` at which any user may be called."""

    countries: frozenset[str]
    prefixes: tuple[str, ...]
    hosts: frozenset[str]

    def allows_number(self, number: PhoneNumber) -> bool:
        """A number of a country that is named, unless it costs extra; or one that a named prefix begins."""
        if number.startswith(self.prefixes):
            return True
        area = area_code(number)
        if area in _TOLL_FREE:
            return bool(self.countries & _NORTH_AMERICA)
        if place_of_number(number).country not in self.countries:
            return False
        return number[5:8] != _PREMIUM_EXCHANGE if area is not None else not costs_extra(number)

    def allows_sip(self, uri: str, *, written: str) -> bool:
        """A SIP URI at a host that is named, or that the owner wrote out in the number (`written`); there no telephone
        number but one that is allowed, for such a host may be a trunk."""
        found = _SIP.fullmatch(uri)
        if found is None or _ELSEWHERE.search(found[3]):
            return False
        user, host = found[1] or "", found[2].lower()
        if host in self.hosts:
            return True
        own = _WRITTEN_HOST.fullmatch(written)
        if own is None or tokens_in(own[1]) or own[1].partition(":")[0].lower() != host:
            return False
        if _DIALLED.fullmatch(user) is None:
            return "%" not in user
        number = parse_phone(re.sub("^%2b", "+", user, flags=re.IGNORECASE))
        return number is not None and self.allows_number(number)


def compile_destinations(written: Iterable[str]) -> Destinations:
    """What a company's `destinations` say; `catalog.checks` has looked at them."""
    entries = tuple(written)
    return Destinations(
        countries=frozenset(entry for entry in entries if len(entry) == 2 and entry.isalpha()),
        prefixes=tuple(entry for entry in entries if entry.startswith("+")),
        hosts=frozenset(entry.removeprefix("sip:").lower() for entry in entries if entry.startswith("sip:")),
    )
