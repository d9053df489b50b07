"""`/settings/server`: the settings of the program itself, which refusals may name. They are read when it starts, from
`ringbid.toml` or the environment, so this page explains them and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from litestar import get
from litestar.response import Template
from pydantic import BaseModel

from ringbid.accounts.policy import Policy
from ringbid.edge.console.pages import page
from ringbid.edge.console.tables import Column
from ringbid.edge.web.office import WebRequest
from ringbid.reports.settings_links import field_id
from ringbid.settings import Settings

_COLUMNS = [Column(name) for name in ("Setting", "Variable", "Default", "What it does")]


@dataclass(frozen=True, slots=True)
class ServerSetting:
    """`name` is such as `outbound.allow_private`."""

    name: str
    id: str
    variable: str
    default: str
    text: str


@get("/settings/server", opt={"policy": Policy.READ})
async def show_server_settings(request: WebRequest) -> Template:
    return page(
        request, "settings/server.html", title="Server", settings=list(server_settings(Settings)), columns=_COLUMNS
    )


def server_settings(model: type[BaseModel], above: str = "") -> Iterator[ServerSetting]:
    """Every setting that has a default, those of sections under the section's name."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from server_settings(kind, f"{above}{name}.")
            continue
        path = f"{above}{name}"
        default = "none" if field.default is None else str(field.default)
        variable = f"RINGBID_{path.replace('.', '_').upper()}"
        yield ServerSetting(path, field_id(path), variable, default, field.description or "")


HANDLERS = [show_server_settings]
