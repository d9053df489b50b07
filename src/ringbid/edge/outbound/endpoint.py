"""Where an ask goes, read from its URL: scheme, host and port, spelled plainly and on an allowed port, or refused.

Used by `edge.outbound.client`. A host that only some resolvers take for an address (`127.1`, `0x7f.1`, `2130706433`,
full-width digits, `user@host`) is refused by its spelling, before anybody resolves it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from ringbid.settings import Outbound
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

DEFAULT_PORTS = (80, 443, 8080, 8443)

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:\[([^\]]*)\]|([!-9;-~]*))(?::([0-9]{1,5}))?", re.IGNORECASE | re.ASCII)
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER_LIKE = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")  # the last label is what makes resolvers see an address


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`host` is a lower-case name or the plain text of an address (IPv6 without brackets)."""

    scheme: str
    host: str
    port: int
    is_address: bool

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parse_endpoint(origin: str, settings: Outbound) -> Endpoint | Refused:
    """The endpoint of `origin` (a URL up to its path). Refused: ASK_ADDRESS_FORBIDDEN."""
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        return _forbidden(f"the URL {origin[:80]!a}", "http or https, a plain host, perhaps a port")
    scheme = found[1].lower()
    if scheme not in ("http", "https"):
        return _forbidden(f"the scheme {scheme[:20]}", "http or https")
    bracketed = found[2] is not None
    host = _plain_address(found[2]) if bracketed else _plain_host(found[3].lower())
    if host is None:
        return _forbidden(f"the host in {origin[:80]!a}", "a plain host name or address")
    port = int(found[4]) if found[4] else (443 if scheme == "https" else 80)
    if not _port_allowed(port, settings):
        allowed = ", ".join(map(str, settings.ports or DEFAULT_PORTS))
        return Refused(Reason.ASK_ADDRESS_FORBIDDEN, actual=f"port {port}", expected=allowed, setting="outbound.ports")
    return Endpoint(scheme, host, port, bracketed or _NUMBER_LIKE.fullmatch(host) is not None)


def _forbidden(actual: str, expected: str) -> Refused:
    return Refused(Reason.ASK_ADDRESS_FORBIDDEN, actual=actual, expected=expected)


def _plain_address(host: str) -> str | None:
    try:
        address = IPv6Address(host)
    except AddressValueError:
        return None
    return None if address.scope_id else str(address)


def _plain_host(host: str) -> str | None:
    """`host` where it is a dotted quad without tricks, or a name that no resolver takes for a number."""
    name = host.removesuffix(".")
    if not _NUMBER_LIKE.fullmatch(name):
        return name if _NAME.fullmatch(name) else None
    try:
        return host if str(IPv4Address(host)) == host else None
    except AddressValueError:
        return None


def _port_allowed(port: int, settings: Outbound) -> bool:
    if not 1 <= port <= 65535:
        return False
    if settings.ports:
        return port in settings.ports
    return settings.allow_private or port in DEFAULT_PORTS
