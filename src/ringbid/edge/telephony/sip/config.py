"""Kamailio's configuration, made from the settings. `engine` writes it and starts Kamailio with it.

`templates/kamailio.cfg` and `routes.cfg` are the same everywhere. What is made here is what differs: definitions, the
addresses to listen on, who is trusted, passwords (as hashes), the certificate.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from ringbid.edge.telephony.sip.record_log import make_private, record_key
from ringbid.settings import Settings

MAIN_FILE = "kamailio.cfg"
_TEMPLATES = ("kamailio.cfg", "routes.cfg")
_OTHER_CONNECTIONS = 8  # of timers, of the main process, of its commands
_LISTEN = re.compile(r"(udp|tcp|tls):(\[[0-9a-fA-F:.]+\]|[0-9.]+):(\d{1,5})")
_PLAIN = re.compile(r"[A-Za-z0-9._\-]+")
_HOST_PORT = re.compile(r"[A-Za-z0-9.\-\[\]:]+")


class WrongSipSettings(Exception):  # noqa: N818 -- a state of the settings, named as what it is
    """The settings cannot become a configuration; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`udp:127.0.0.1:5060`, in parts."""

    protocol: str
    host: str
    port: int


def render_config(settings: Settings) -> dict[str, str]:
    """The files of Kamailio's configuration by name; they belong into one folder. Raises WrongSipSettings."""
    templates = files(__package__) / "templates"
    rendered = {name: (templates / name).read_text(encoding="utf-8") for name in _TEMPLATES}
    rendered["settings.cfg"] = "\n".join(_definitions(settings)) + "\n"
    rendered["trusted.list"] = "".join(f"1 {network} {bits}\n" for network, bits in _networks(settings))
    users = _read_users(settings)
    if users is not None:
        rendered["users.cfg"] = "\n".join(_user_lines(users, realm=_domain(settings))) + "\n"
    if uses_tls(settings):
        rendered["tls.cfg"] = _tls(settings)
    return rendered


def write_config(settings: Settings, folder: Path) -> Path:
    """Write the files into `folder`, for its owner's eyes only; returns the main one. Raises WrongSipSettings."""
    rendered = render_config(settings)
    make_private(folder)
    rendered["settings.cfg"] += _substitution("RECORD_KEY", record_key(folder)) + "\n"
    for name, text in rendered.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    return folder / MAIN_FILE


def sip_folder(settings: Settings) -> Path:
    """Where the configuration, the record log and the process ids live."""
    return settings.data / "sip"


def recordings_folder(settings: Settings) -> Path:
    """Where recordings are put."""
    return settings.sip.recordings or settings.data / "recordings"


def engine_database(settings: Settings) -> str | None:
    """The PostgreSQL URL of Kamailio's live calls and records; None where they are in the record log."""
    return settings.sip.database or settings.database


def engine_connections(settings: Settings) -> int:
    """How many connections to its database Kamailio 5.6 keeps: one for each of its processes but two. There are
    `workers` of them for each UDP address, for TCP and for evapi."""
    by_udp = sum(address.startswith("udp:") for address in settings.sip.listen_addresses)
    return settings.sip.workers * (by_udp + 2) + _OTHER_CONNECTIONS


def listen_addresses(settings: Settings) -> tuple[Address, ...]:
    """Where calls come in. Raises WrongSipSettings."""
    addresses = []
    for text in settings.sip.listen_addresses:
        found = _LISTEN.fullmatch(text)
        if found is None:
            raise WrongSipSettings(f"sip.listen_addresses: {text!r} is not like udp:192.0.2.1:5060")
        addresses.append(Address(protocol=found[1], host=found[2], port=int(found[3])))
    if not addresses:
        raise WrongSipSettings("sip.listen_addresses is empty: there is nowhere for calls to come in")
    return tuple(addresses)


def uses_tls(settings: Settings) -> bool:
    """Is there an address for calls over TLS?"""
    return any(address.protocol == "tls" for address in listen_addresses(settings))


def split_address(text: str, *, name: str) -> tuple[str, int]:
    """`127.0.0.1:8448` as host and port. Raises WrongSipSettings."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or _HOST_PORT.fullmatch(host) is None:
        raise WrongSipSettings(f"sip.{name}: {text!r} is not like 127.0.0.1:8448")
    return host, int(port)


def _definitions(settings: Settings) -> Iterator[str]:
    """Kamailio's preprocessor: `define` turns parts on, `substdef` fills values in."""
    sip = settings.sip
    yield "# Made by `ringbid sip config` from ringbid.toml. Edit that, not this."
    database = engine_database(settings)
    parts = {
        "WITH_DATABASE": database is not None,
        "WITH_TLS": uses_tls(settings),
        "WITH_REFER": sip.refer,
        "WITH_USERS": sip.users_file is not None,
        "WITH_MEDIA": sip.media != "none",
        "WITH_RECORDING": sip.media == "record",
        "WITH_HIDING": sip.hiding_key is not None,
    }
    yield from (f"#!define {name}" for name, wanted in parts.items() if wanted)
    router_host, router_port = split_address(sip.router_address, name="router_address")
    control_host, control_port = split_address(sip.control_address, name="control_address")
    split_address(sip.rtpengine_address, name="rtpengine_address")
    values = {
        "DOMAIN": _domain(settings),
        "ROUTER_ADDRESS": f"{router_host}:{router_port}",
        "CONTROL_PORT": str(control_port),
        "LOOKUP_MS": str(round(sip.lookup_seconds * 1000)),
        "NO_SIGN_MS": str(round(sip.no_sign_seconds * 1000)),
        "KEEP_ALIVE_SECONDS": str(sip.keep_alive_seconds),
        "KEEP_ALIVE_FAILURES": str(sip.keep_alive_failures),
        "FLOOD_REQUESTS": str(sip.flood_requests),
        "WORKERS": str(sip.workers),
        "RTPENGINE_ADDRESS": sip.rtpengine_address,
    }
    if database is not None:
        values["DATABASE_URL"] = _kamailio_url(database)
    if sip.hiding_key is not None:
        values["HIDING_KEY"] = _plain(sip.hiding_key, name="hiding_key")
    yield from (_substitution(name, value) for name, value in values.items())
    yield f"children={sip.workers}"
    yield f"tcp_children={sip.workers}"
    yield f"alias={_domain(settings)}"
    advertised = f" advertise {sip.advertised_address}" if sip.advertised_address else ""
    yield from (f"listen={at.protocol}:{at.host}:{at.port}{advertised}" for at in listen_addresses(settings))
    yield f"listen=tcp:{control_host}:{control_port}"


def _substitution(name: str, value: str) -> str:
    """`value` may have what a password has, except for what Kamailio would read as more than itself."""
    between = next((char for char in "!|~^" if char not in value), None)
    if between is None or any(char in value for char in '"\\$') or not value.isprintable():
        raise WrongSipSettings(f'{name}: a value with ", \\, $ or all of !|~^ cannot be told to Kamailio')
    return f'#!substdef "{between}{name}{between}{value}{between}g"'


def _domain(settings: Settings) -> str:
    if settings.sip.domain is None:
        raise WrongSipSettings("sip.domain is not set: it is the host that publishers send calls to")
    return _plain(settings.sip.domain, name="domain")


def _plain(text: str, *, name: str) -> str:
    if _PLAIN.fullmatch(text) is None:
        raise WrongSipSettings(f"sip.{name}: only letters, digits, dots, dashes and underscores")
    return text


def _networks(settings: Settings) -> Iterator[tuple[str, int]]:
    for text in settings.sip.trusted_networks:
        try:
            network = ipaddress.ip_network(text)
            address = str(network.network_address)
            yield (address if network.version == 4 else f"[{address}]"), network.prefixlen
        except ValueError as error:
            raise WrongSipSettings(f"sip.trusted_networks: {error}") from error


def _read_users(settings: Settings) -> dict[str, str] | None:
    path = settings.sip.users_file
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise WrongSipSettings(f"sip.users_file: {error}") from error
    users = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, password = line.partition(":")
        if not colon or not password or _PLAIN.fullmatch(name) is None:
            raise WrongSipSettings(f"sip.users_file: line {number} is not `name:password`")
        users[name] = password
    return users


def _user_lines(users: dict[str, str], *, realm: str) -> Iterator[str]:
    for name, password in users.items():
        # The hash that SIP's digest authentication is defined by (RFC 2617): Kamailio needs no password itself.
        digest = hashlib.md5(f"{name}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()
        yield f'    $sht(users=>{name}) = "{digest}";'


def _tls(settings: Settings) -> str:
    certificate, key = settings.sip.certificate_file, settings.sip.key_file
    if certificate is None or key is None:
        raise WrongSipSettings("a tls: address needs sip.certificate_file and sip.key_file")
    for name, path in (("certificate_file", certificate), ("key_file", key)):
        if not path.is_file():
            raise WrongSipSettings(f"sip.{name}: there is no file {path}")
    common = "method = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n"
    server = f"private_key = {key.absolute()}\ncertificate = {certificate.absolute()}\n"
    return f"[server:default]\n{common}{server}\n[client:default]\n{common}"


def _kamailio_url(url: str) -> str:
    """The same database in Kamailio's spelling, which knows no parameters and no escapes."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname or parts.query or "%" in parts.netloc:
        raise WrongSipSettings(
            "sip.database must be like postgresql://user:password@host:5432/name, without parameters or escapes"
        )
    return f"postgres://{parts.netloc}{parts.path}"
