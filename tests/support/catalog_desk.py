"""The console's pages over a store with the example's catalog in it: look at pages, send their forms, read what is in
force then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from litestar import Litestar

from ringbid.accounts.posting_links import PostingLinks
from ringbid.accounts.tokens import form_token
from ringbid.bootstrap.orders import apply_to
from ringbid.bootstrap.server import _parts
from ringbid.catalog.model import Catalog
from ringbid.edge.web.late import LateApp
from ringbid.edge.web.office import Office
from ringbid.settings import Settings
from ringbid.store.opening import open_store
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CompanyId
from support.asgi import Response, call
from support.catalogs import ACME_TEXT
from support.web import OWNER, FixedIdentities
from support.whole_office import visit

ACME = CompanyId("acme")


class _Fields(HTMLParser):
    """The fields of a page's forms, as a browser would send them untouched."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Any] = {}
        self.ids: set[str] = set()
        self._select: str | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if "id" in known:
            self.ids.add(known["id"])
        name = known.get("name", "")
        if tag == "input" and name and (known.get("type") != "checkbox" or "checked" in known):
            self._add(name, known.get("value", ""), known.get("type", ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in known or self._select not in self.found):
            self.found[self._select] = known.get("value", "")
        elif tag == "textarea":
            self._area = name
            self.found[name] = ""

    def _add(self, name: str, value: str, kind: str) -> None:
        before = self.found.get(name)
        if kind != "checkbox" or before is None:
            self.found[name] = value
        else:  # one of several boxes
            self.found[name] = [*(before if isinstance(before, list) else [before]), value]

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None


def fields_in(page: Response) -> dict[str, Any]:
    """What the forms of a page would send, all together: a text each, a list of them where several boxes are ticked."""
    parser = _Fields()
    parser.feed(page.body.decode())
    return parser.found


def ids_in(page: Response) -> set[str]:
    """Where links into the page may lead."""
    parser = _Fields()
    parser.feed(page.body.decode())
    return parser.ids


@dataclass
class CatalogDesk:
    """`session` is who asks, by default the owner."""

    web: Litestar
    app: Any  # the whole server's, which takes pings
    office: Office
    session: str | None = "owner"
    cookies: str = ""  # besides the session's

    async def get(self, path: str) -> Response:
        return await visit(self.web, "GET", path, headers=self._headers())

    async def post(self, path: str, form: Mapping[str, Any]) -> Response:
        headers = self._headers() | {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode(form, doseq=True).encode()
        return await visit(self.web, "POST", path, headers=headers, body=body)

    async def save(self, path: str, *, without: tuple[str, ...] = (), **changed: str | list[str]) -> Response:
        """Open a page, change fields of its form, save it. Names of fields have `__` for a dot."""
        form = fields_in(await self.get(path)) | {"do": "save"}
        form |= {name.replace("__", "."): value for name, value in changed.items()}
        return await self.post(path, {name: value for name, value in form.items() if name not in without})

    async def ping(self, **parameters: str) -> Any:
        """A real ping; its reply."""
        return (await call(self.app, "POST", "/rtbs.json", query=parameters)).json

    async def in_force(self, company_id: CompanyId = ACME) -> None:
        """Until pings go by the company's newest catalog."""
        edition = await self.office.editor.read(company_id)
        assert edition is not None
        async with asyncio.timeout(60):
            while self.office.catalogs.snapshot.version < edition.version:  # noqa: ASYNC110 -- the server tells nobody else
                await asyncio.sleep(0.02)

    @property
    def links(self) -> PostingLinks:
        assert self.office.posting_links is not None
        return self.office.posting_links

    async def catalog(self) -> Catalog:
        edition = await self.office.editor.read(ACME)
        assert edition is not None
        return edition.catalog

    def _headers(self) -> dict[str, str]:
        if self.session is None:
            return {"accept": "text/html", "cookie": "ringbid_visitor=v", "x-csrf-token": form_token("v")}
        return {
            "accept": "text/html",
            "cookie": f"ringbid={self.session}; {self.cookies}",
            "x-csrf-token": form_token(self.session),
        }


@asynccontextmanager
async def catalog_desk(folder: Path, *, identities: FixedIdentities | None = None) -> AsyncIterator[CatalogDesk]:
    """The pages of a server whose store has the example's catalog."""
    store = await open_store(Settings(data=folder), SystemClock())
    try:
        await apply_to(store, ACME_TEXT, plan_only=False, applied_by="test")
    finally:
        await store.close()
    who = identities or FixedIdentities({"owner": OWNER})
    async with _parts(Settings(data=folder), SystemClock(), identities=who) as (app, _, warm_up, _):
        await warm_up()
        pages = app._pages
        assert isinstance(pages, LateApp)
        web = pages._app
        assert isinstance(web, Litestar)
        office = web.state.office
        assert isinstance(office, Office)
        yield CatalogDesk(web, app, office)
