"""How a handler answers with a page: the template, its own values, and what every page knows."""

from __future__ import annotations

from typing import Any

from litestar.response import Template

from ringbid.edge.web.office import WebRequest


def page(request: WebRequest, template: str, *, title: str, status: int = 200, **values: object) -> Template:
    """The page of `template` with `values`; `actor` is who looks, None where nobody has signed in."""
    context: dict[str, Any] = {"title": title, "actor": request.scope.get("user"), "path": request.url.path, **values}
    return Template(template, context=context, status_code=status)
