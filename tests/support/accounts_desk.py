"""The console over a store of its own, as browsers see it: forms are sent as they stand on the page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
from litestar import Litestar

from ringbid.accounts.companies import NewCompany, read_company
from ringbid.accounts.passwords import Passwords
from ringbid.accounts.people import Grant
from ringbid.bootstrap.web import open_web
from ringbid.catalog.validate import read_stored
from ringbid.settings import Settings
from ringbid.store.opening import Store
from ringbid.values.ids import CompanyId
from ringbid.worker.snapshot import Catalogs
from support.accounts import ACME, OWNER, add_user
from support.stores import StorePlace

BASE = "http://testserver.local"
PASSWORD = "river lamp quiet moss"
_FIELD = re.compile(r'name="csrf" value="([0-9a-f]+)"')

ACME_TEXT = """
company: {id: acme, name: Acme Calls, time_zone: America/New_York, currency: USD}
publishers:
  - {id: P1, name: Alpha Leads}
buyers:
  - {id: alpha, name: Alpha, number: "+12025550101"}
"""


class Browser:
    """One browser profile. `get` and `post` follow no redirect; a post sends the token that the last page had."""

    def __init__(self, client: httpx.AsyncClient, headers: Mapping[str, str]) -> None:
        self._client = client
        self._headers = dict(headers)
        self._token = ""

    async def get(self, path: str) -> httpx.Response:
        return self._keep(await self._client.get(path, headers=self._headers))

    async def post(self, path: str, *, token: str | None = None, **fields: Any) -> httpx.Response:
        """The form at `path`; `token` stands in for the page's own."""
        data = {"csrf": self._token if token is None else token, **fields}
        return self._keep(await self._client.post(path, data=data, headers=self._headers))

    async def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Anything else."""
        return await self._client.request(method, path, **{"headers": self._headers, **how})

    def cookie(self, name: str = "ringbid") -> str | None:
        return self._client.cookies.get(name)

    def _keep(self, response: httpx.Response) -> httpx.Response:
        found = _FIELD.search(response.text)
        if found:
            self._token = found[1]
        return response


@dataclass
class AccountsDesk:
    """The web application, and the store behind it."""

    store: Store
    web: Litestar
    catalogs: Catalogs
    place: StorePlace
    _stack: AsyncExitStack
    _passwords: Passwords = field(default_factory=Passwords)

    async def browser(self, *, address: str = "192.0.2.1", **headers: str) -> Browser:
        """A new one, signed in as nobody."""
        transport = httpx.ASGITransport(app=self.web, client=("127.0.0.1", 40000))
        client = await self._stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=BASE))
        # As a proxy before the server tells it.
        sent = {"accept": "text/html", "x-forwarded-for": address, "user-agent": "Firefox"}
        return Browser(client, {**sent, **{name.replace("_", "-"): value for name, value in headers.items()}})

    async def add(self, name: str, grant: Grant = OWNER, *, company_id: CompanyId = ACME) -> str:
        """A user with PASSWORD; the user's id."""
        password_hash = await self._passwords.hash(PASSWORD)
        return await add_user(self.store, name, grant, company_id=company_id, password_hash=password_hash)

    async def signed_in(self, name: str = "olga", grant: Grant = OWNER, *, company_id: CompanyId = ACME) -> Browser:
        """The browser of a new user."""
        await self.add(name, grant, company_id=company_id)
        browser = await self.browser()
        await browser.get("/sign-in")
        answer = await browser.post("/sign-in", email=f"{name}@acme.example", password=PASSWORD)
        assert answer.status_code == 303, answer.text
        await browser.get("/settings/account")
        return browser

    async def audited(self, company_id: CompanyId = ACME) -> list[tuple[str, str | None, str | None]]:
        changes = await self.store.audit.listing(company_id)
        return [(one.entry.path, one.entry.before, one.entry.after) for one in changes]

    async def make_company(self, name: str) -> CompanyId:
        made = read_company(name=name, time_zone="UTC", currency="USD")
        assert isinstance(made, NewCompany)
        await self.apply(made.document)
        return made.company_id

    async def apply(self, text: str) -> None:
        """Put a catalog in force."""
        company_id = read_stored(text).company.id
        await self.store.apply_catalog(company_id, text, applied_by="root")
        await self.catalogs.refresh()


@asynccontextmanager
async def accounts_desk(place: StorePlace, *, catalog: str | None = ACME_TEXT) -> AsyncIterator[AccountsDesk]:
    """The console; where `catalog` is None there is no company yet."""
    async with place.open() as store, AsyncExitStack() as stack:
        catalogs = Catalogs(store)
        settings: Settings = place.settings
        web = open_web(settings, clock=place.clock, catalogs=catalogs, store=store)
        desk = AccountsDesk(store, web, catalogs, place, stack)
        if catalog is not None:
            await desk.apply(catalog)
        yield desk


def shown(response: httpx.Response) -> str:
    """The text of a page, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())
