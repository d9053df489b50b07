"""The web application: every page and resource, behind one policy, one set of headers and one way to fail.

Made by `bootstrap.web` after the server listens, and handed requests by `edge.api.app`.
"""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Litestar
from litestar.datastructures import CacheControlHeader, State
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from litestar.types import ControllerRouterHandler

from ringbid.accounts.policy import Policy
from ringbid.edge.console import filters
from ringbid.edge.console.assets import STATIC
from ringbid.edge.web.auth import Authentication
from ringbid.edge.web.errors import HANDLERS
from ringbid.edge.web.forms import refuse_foreign_forms
from ringbid.edge.web.guard import check_policies, hold_to_policy
from ringbid.edge.web.headers import add_safe_headers
from ringbid.edge.web.office import Office

# Their addresses change with their content.
_KEPT_A_YEAR = CacheControlHeader(public=True, max_age=31_536_000)


def build_web(office: Office, handlers: Sequence[ControllerRouterHandler]) -> Litestar:
    """The application over `handlers`. Raises LookupError where one names no policy."""
    static = create_static_files_router("/static", [STATIC], cache_control=_KEPT_A_YEAR, opt={"policy": Policy.PUBLIC})
    app = Litestar(
        [*handlers, static],
        state=State({"office": office}),
        guards=[hold_to_policy, refuse_foreign_forms],
        middleware=[Authentication(office)],
        before_send=[add_safe_headers],
        exception_handlers=HANDLERS,
        template_config=TemplateConfig(instance=_templates()),
        openapi_config=None,
        logging_config=None,  # the log is `edge.observe`'s: Litestar's own would write lines of another form into it
    )
    check_policies(app)
    return app


def _templates() -> JinjaTemplateEngine:
    environment = Environment(
        loader=PackageLoader("ringbid.edge.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    filters.add_to(environment)
    return JinjaTemplateEngine.from_environment(environment)
