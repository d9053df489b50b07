"""How a handler answers with a page: the template, its own values, and what every page knows."""

from __future__ import annotations

from typing import Any

from litestar.response import Template

from ringbid.edge.console.flash import FORGET
from ringbid.edge.console.shell import shell_of
from ringbid.edge.web.forms import guard_forms
from ringbid.edge.web.office import WebRequest


def page(request: WebRequest, template: str, *, title: str, status: int = 200, **values: object) -> Template:
    """The page of `template` with `values`. Every template knows also `actor` (who looks, None where nobody has signed
    in), `path`, `csrf_input` (which every form has that posts), and `shell` (`edge.console.shell`): its time zone,
    currency and own address."""
    shell = shell_of(request)
    guard = guard_forms(request)
    context: dict[str, Any] = {
        "title": title,
        "actor": request.scope.get("user"),
        "path": request.url.path,
        "csrf_input": guard.field,
        "shell": shell,
        **values,
    }
    cookies = [*guard.cookies, *([FORGET] if shell.flash is not None else [])]
    return Template(template, context=context, status_code=status, cookies=cookies)


def fragment(request: WebRequest, template: str, **values: object) -> Template:
    """A part of a page, for htmx to put into its place. It knows what a page knows."""
    context: dict[str, Any] = {
        "actor": request.scope.get("user"),
        "csrf_input": guard_forms(request).field,
        "shell": shell_of(request),
        **values,
    }
    return Template(template, context=context)
