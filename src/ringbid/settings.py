"""The one settings object: `ringbid.toml`, then variables such as `RINGBID_OUTBOUND_ALLOW_PRIVATE=true`, which win.

`docs/settings.md` is generated from the descriptions here. A name's last word is its unit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

Port = Annotated[int, Field(ge=0, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")  # a misspelt name is told, not passed over


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
    )

    data: Path = Field(default=Path("ringbid-data"), description="The folder of the SQLite store.")
    database: str | None = Field(default=None, description="A PostgreSQL URL (postgresql://…); none: SQLite in `data`.")
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: Port = Field(default=8700, description="The port to listen on; 0: any free one.")
    outbound: Outbound = Field(default_factory=Outbound)
    sip: Sip = Field(default_factory=Sip)
    limits: Limits = Field(default_factory=Limits)
    retention: Retention = Field(default_factory=Retention)
    outbox: Outbox = Field(default_factory=Outbox)

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
