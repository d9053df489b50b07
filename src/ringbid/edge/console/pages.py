"""How a handler answers with a page: the template, its own values, and what every page knows."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import MediaType, Request, Response
from litestar.response import Template

from ringbid.edge.console.flash import FORGET
from ringbid.edge.console.shell import shell_of
from ringbid.edge.web.forms import guard_forms
from ringbid.edge.web.office import WebRequest, office_of


class _Page(Template):
    """Litestar puts a field of its own protection, which is not used here, in the place of ours."""

    def create_template_context(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        return {**super().create_template_context(request), "csrf_input": self.context["csrf_input"]}


def page(request: WebRequest, template: str, *, title: str, status: int = 200, **values: object) -> Template:
    """The page of `template` with `values`. Every template knows also `actor` (who looks, None where nobody has signed
    in), `path`, `shell` (`edge.console.shell`): its time zone, currency and own address, and `csrf_input`, which every
    form that changes something holds."""
    shell, guard = shell_of(request), guard_forms(request)
    context: dict[str, Any] = {
        "title": title,
        "actor": request.scope.get("user"),
        "path": request.url.path,
        "shell": shell,
        "csrf_input": guard.field,
        **values,
    }
    cookies = [*guard.cookies, *([FORGET] if shell.flash is not None else [])]
    return _Page(template, context=context, status_code=status, cookies=cookies)


async def draw_beside(request: WebRequest, drawn: Template) -> Response[str]:
    """The same page, drawn in a thread: a long table takes a tenth of a second, in which no ping must wait."""
    engine = request.app.template_engine
    assert engine is not None, "pages have templates"
    assert drawn.template_name is not None, "every page has a template of its own"
    template, context = engine.get_template(drawn.template_name), drawn.create_template_context(request)
    text = await asyncio.to_thread(template.render, **context)
    return Response(text, media_type=MediaType.HTML, status_code=drawn.status_code, cookies=drawn.cookies)


def fragment(request: WebRequest, template: str, **values: object) -> Template:
    """A part of a page, for htmx to put into its place. It knows what a page knows."""
    context: dict[str, Any] = {
        "actor": request.scope.get("user"),
        "shell": shell_of(request),
        "csrf_input": guard_forms(request).field,
        **values,
    }
    return _Page(template, context=context)


def public_url(request: WebRequest) -> str:
    """Where this server is reached, for commands that are copied: as the settings say, else as it was asked."""
    people = office_of(request).people
    return (people.public_url if people is not None else None) or str(request.base_url).rstrip("/")
