"""`/api/v1/openapi.json` and `/api/v1/docs`: the API's own description, and the page that shows it offline."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from litestar import Litestar, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.bodies import tell_bodies
from ringbid.edge.api.v1.lists import parameters_told
from ringbid.edge.api.v1.routes import BASE
from ringbid.edge.api.v1.tidying import tidy

_STATIC = Path(__file__).parent / "static"  # Swagger UI as it comes from npm, and what starts it
_ABOUT = """Everything that Ringbid's console shows and changes, for programs.

Make a key under [Settings, API keys](/settings/keys) and send it as `Authorization: Bearer rbk_…`; **Authorize** keeps
it for this page. A list has a `limit`, and goes on with its `next_cursor` as `cursor`. A change names the `ETag` that
it was made on in `If-Match`. A POST with an `Idempotency-Key` is done once. What cannot be done is answered as
`application/problem+json`."""
_CONFIG = OpenAPIConfig(
    title="Ringbid",
    version="1",
    description=_ABOUT,
    components=Components(
        security_schemes={
            "key": SecurityScheme(type="http", scheme="bearer", description="An API key: `rbk_…`."),
        }
    ),
    security=[{"key": []}],
)


@cache
def schema() -> dict[str, Any]:
    """The OpenAPI 3.1 document of every operation. Made once, of an application of its own that serves nothing."""
    from ringbid.edge.api.v1.resources import HANDLERS as OPERATIONS  # noqa: PLC0415 -- it lists this module, too

    app = Litestar(OPERATIONS, openapi_config=_CONFIG, logging_config=None)
    handlers = [handler for route in app.routes if isinstance(route, HTTPRoute) for handler in route.route_handlers]
    lists = {
        str(handler.operation_id): parameters_told(handler.opt["listing"])
        for handler in handlers
        if handler.opt.get("listing") is not None
    }
    document = tidy(app.openapi_schema.to_schema(), lists)
    tell_bodies(document, {str(one.operation_id): (one.opt.get("takes"), one.opt.get("answers")) for one in handlers})
    return document


@get(f"{BASE}/openapi.json", opt={"policy": Policy.PUBLIC}, include_in_schema=False, sync_to_thread=True)
def openapi() -> dict[str, Any]:
    """The description, as OpenAPI 3.1."""
    return schema()


@get(
    f"{BASE}/docs", opt={"policy": Policy.PUBLIC}, include_in_schema=False, media_type="text/html", sync_to_thread=True
)
def docs() -> bytes:
    """The page that shows it."""
    return (_STATIC / "docs.html").read_bytes()


HANDLERS: list[ControllerRouterHandler] = [
    openapi,
    docs,
    create_static_files_router(f"{BASE}/reference", [_STATIC], opt={"policy": Policy.PUBLIC}, include_in_schema=False),
]
