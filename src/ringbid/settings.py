"""The one settings object: `ringbid.toml`, then variables such as `RINGBID_OUTBOUND_ALLOW_PRIVATE=true`, which win.

`docs/settings.md` is generated from the descriptions here. A name's last word is its unit.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ringbid.values.phone import is_e164

Port = Annotated[int, Field(ge=0, le=65535)]


class _Section(BaseModel):
    # A misspelt name is told, not passed over; a value may be a secret, and is not told.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Outbound(_Section):
    """Asking buyers, and everything else that leaves."""

    allow_private: bool = Field(default=False, description="Let buyers' URLs lead to loopback and private addresses.")
    answer_limit_bytes: int = Field(
        default=65536, ge=1024, description="The largest answer that is read; more is unreadable."
    )
    ports: tuple[int, ...] = Field(
        default=(),
        description="The only ports that may be dialled; empty: 80, 443, 8080 and 8443 (any, with allow_private).",
    )
    connections_per_host: int = Field(default=256, ge=1, description="The most connections kept open to one host.")
    breaker_failures: int = Field(
        default=10, ge=1, description="Failures in a row after which an address is left alone."
    )
    breaker_open_seconds: float = Field(default=10.0, gt=0, description="How long it is left alone before one probe.")
    ca_file: Path | None = Field(
        default=None, description="A PEM file of authorities that buyers' certificates may have, besides the system's."
    )


class Sip(_Section):
    """The phone side: Kamailio, and rtpengine where media pass through us."""

    domain: str | None = Field(
        default=None, description="The host in `sip_address`, such as sip.example.org; none: no SIP."
    )
    listen_addresses: tuple[str, ...] = Field(
        default=("udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"),
        description="Where calls come in: udp:, tcp: or tls:, an address and a port.",
    )
    advertised_address: str | None = Field(
        default=None, description="The address, with its port if need be, that others reach us by where it is another."
    )
    certificate_file: Path | None = Field(default=None, description="The PEM certificate chain of tls: addresses.")
    key_file: Path | None = Field(default=None, description="The PEM key of that certificate.")
    trusted_networks: tuple[str, ...] = Field(
        default=("127.0.0.1/32",), description="Where calls may come from without a password, such as 192.0.2.0/24."
    )
    users_file: Path | None = Field(
        default=None, description="Publishers that call with a password from anywhere: a line `name:password` for each."
    )
    trunk: str | None = Field(
        default=None,
        description="The SIP host that takes calls to phone numbers, such as sip.carrier.example:5060;transport=tcp.",
    )
    lookup_seconds: float = Field(
        default=6.0, gt=0, le=60, description="How long a call waits for the server to say where it goes, before 503."
    )
    no_sign_seconds: float = Field(
        default=1.8, gt=0, le=30, description="How long a buyer may give no sign at all before the next one is tried."
    )
    keep_alive_seconds: int = Field(
        default=30, ge=30, description="How often both ends of a call are asked whether they are still there."
    )
    keep_alive_failures: int = Field(
        default=2, ge=1, description="How often in a row an end may fail to answer that before the call is ended."
    )
    flood_requests: int = Field(
        default=30,
        ge=1,
        description="Requests in two seconds from an address that may not call; more are not answered.",
    )
    refer: bool = Field(
        default=False,
        description="Callers' networks follow REFER: buyers may hand calls back, and what they drop early goes on.",
    )
    retreaver_headers: bool = Field(
        default=False, description="Send buyers `X-PH-RetreaverUUID` and `X-PH-RetreaverKey`, too."
    )
    hiding_key: str | None = Field(
        default=None, description="Hide callers' networks from buyers, masked by this key; for media, `relay` them."
    )
    media: str = Field(
        default="none",
        pattern="^(none|relay|record)$",
        description="`none`: media go directly; `relay`: through rtpengine; `record`: through it, and into WAV files.",
    )
    media_address: str | None = Field(
        default=None, description="The IP address for media; none: that of the first listening address."
    )
    first_media_port: Port = Field(default=30000, description="The lowest port for media.")
    last_media_port: Port = Field(default=39999, description="The highest port for media.")
    rtpengine_address: str = Field(default="127.0.0.1:2223", description="Where rtpengine is told what to do.")
    recordings: Path | None = Field(
        default=None, description="The folder of recordings; none: `recordings` in the data folder."
    )
    router_address: str = Field(
        default="127.0.0.1:8448", description="Where servers connect to Kamailio. Whoever reaches it routes calls."
    )
    control_address: str = Field(
        default="127.0.0.1:8449", description="Where Kamailio takes commands. Whoever reaches it ends calls."
    )
    database: str | None = Field(
        default=None,
        description="A PostgreSQL URL for Kamailio's live calls and records; none: `database`, else a record log.",
    )
    workers: int = Field(default=4, ge=1, le=64, description="Kamailio's processes for each kind of work.")
    memory_megabytes: int = Field(default=256, ge=32, description="Kamailio's shared memory.")


# It is part of an address and the name of a provider, of which the SIP engine is another.
CarrierName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
CarrierKind = Literal["twilio", "signalwire", "telnyx", "somleng"]


class Carrier(_Section):
    """One carrier that speaks TwiML. Its NAME is in the addresses that it calls, such as /carriers/NAME/voice."""

    kind: CarrierKind = Field(description="Whose signatures and limits apply.")
    secret: SecretStr = Field(
        description="What its requests are verified with: the auth token (Twilio, somleng), the signing key "
        "(SignalWire), or the base64 public key (Telnyx)."
    )
    account: str | None = Field(
        default=None, description="Its id of the account; requests about other accounts are refused."
    )
    api_key: SecretStr | None = Field(
        default=None,
        description="The token of its REST API, for handing back calls; none: the secret (Twilio, somleng).",
    )
    api_url: str | None = Field(
        default=None, description="Where its REST API is; SignalWire and somleng have no default."
    )
    caller_id: str | None = Field(
        default=None, description="The number that buyers see, in E.164; none: the caller's own."
    )
    recording: bool = Field(default=False, description="Have the carrier record calls, from the answer on, both sides.")
    fallback: str | None = Field(
        default=None,
        description="Where calls go while Ringbid cannot decide: a number in E.164 or a sip: URI; none: a busy signal.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind == "telnyx" and not _is_public_key(self.secret.get_secret_value()):
            raise ValueError("secret: Telnyx' public key is 32 bytes in base64")
        if self.caller_id is not None and not is_e164(self.caller_id):
            raise ValueError("caller_id: a number in E.164 such as +12025550101")
        if self.fallback is not None and not (is_e164(self.fallback) or self.fallback.startswith(("sip:", "sips:"))):
            raise ValueError("fallback: a number in E.164 or a sip: URI")
        return self


class Limits(_Section):
    """What one process takes at once."""

    pings_in_flight: int = Field(default=2000, ge=1, description="Pings under way at once; more are answered 503.")
    body_seconds: float = Field(default=2.0, gt=0, description="How long a request's body may take to arrive.")
    writes_waiting: int = Field(default=10000, ge=1, description="Writes waiting for the store; more are answered 503.")


class Retention(_Section):
    """How long personal data lives."""

    rtb_hours: float = Field(
        default=24.0, gt=0, description="Age at which pings and ended reservations are flushed for good."
    )
    recording_days: float = Field(default=90.0, gt=0, description="Age at which recordings of calls are removed.")
    call_days: float = Field(
        default=400.0, gt=0, description="Age at which ended calls are flushed for good; what they earned stays booked."
    )


class Outbox(_Section):
    """Postbacks and webhooks that must leave: sent at least once, and again until they are taken or given up."""

    timeout_seconds: float = Field(default=15.0, gt=0, le=120, description="How long a receiver may take to answer.")
    concurrency: int = Field(default=32, ge=1, le=1000, description="Messages under way at once, in each process.")
    endpoint_concurrency: int = Field(default=8, ge=1, le=1000, description="Of these, the most to one webhook.")
    retry_seconds: tuple[float, ...] = Field(
        default=(5, 300, 1800, 7200, 18000, 36000, 36000),
        description="The pauses between tries; after as many failures and one more, a message is dead, and kept.",
    )
    spread_percent: float = Field(
        default=20, ge=0, le=100, description="How much longer or shorter each pause may be, by chance."
    )
    delivered_days: float = Field(
        default=7, gt=0, description="Age at which delivered messages are flushed for good: they hold phone numbers."
    )
    dead_days: float = Field(default=90, gt=0, description="The same for messages that could not be delivered.")


class Settings(BaseSettings):
    """Everything that can be set, with its default."""

    model_config = SettingsConfigDict(
        env_prefix="RINGBID_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        toml_file="ringbid.toml",
        extra="ignore",
        hide_input_in_errors=True,
    )

    data: Path = Field(default=Path("ringbid-data"), description="The folder of the SQLite store.")
    database: str | None = Field(default=None, description="A PostgreSQL URL (postgresql://…); none: SQLite in `data`.")
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: Port = Field(default=8700, description="The port to listen on; 0: any free one.")
    public_url: str | None = Field(
        default=None,
        description="The address under which carriers reach this server, such as https://ringbid.example.org; "
        "their signatures are checked against it, whatever a proxy's headers say.",
    )
    outbound: Outbound = Field(default_factory=Outbound)
    sip: Sip = Field(default_factory=Sip)
    carriers: dict[CarrierName, Carrier] = Field(
        default_factory=dict, description="Carriers by name; as a variable: one in JSON, as in RINGBID_CARRIERS_MAIN."
    )
    limits: Limits = Field(default_factory=Limits)
    retention: Retention = Field(default_factory=Retention)
    outbox: Outbox = Field(default_factory=Outbox)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if "sip" in self.carriers:
            raise ValueError("carriers: no carrier may be called sip, which is the name of the SIP engine")
        if self.carriers and self.public_url is None:
            raise ValueError("carriers need public_url: their signatures are checked against it")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- pydantic passes it; a .env file is not a source here
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command-line options win over variables, and those over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def _is_public_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        return False
