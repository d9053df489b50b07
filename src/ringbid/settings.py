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
    """The phone side."""

    domain: str | None = Field(
        default=None, description="The host in `sip_address`, such as sip.example.org; none: no SIP."
    )


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
