"""Playing a plot of `refusal_causes` on the real product: store, flow, outbound client and partners on loopback.

Every refusal is read back by both APIs, page and command, its setting is changed, and the same ping is made again,
until it is reserved.
"""

from __future__ import annotations

import asyncio
import copy
import html
import random
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar
from typer.testing import CliRunner

from ringbid.bootstrap import apply_to, build_application
from ringbid.bootstrap.web import HANDLERS, make_office
from ringbid.catalog.changing import Applied, CatalogEditor
from ringbid.catalog.editing import Set
from ringbid.catalog.ports import Author
from ringbid.catalog.snapshot import key_id_of
from ringbid.cli import app as commands
from ringbid.edge.api.app import Application
from ringbid.edge.api.rates import PublisherRates
from ringbid.edge.outbound.client import OutboundClient
from ringbid.edge.web.app import build_web
from ringbid.edge.web.office import Office
from ringbid.reports.explain import Explanation, explain
from ringbid.reports.settings_links import setting_link
from ringbid.settings import Outbound, Settings
from ringbid.store.opening import Store, open_store
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CompanyId, PingId, PublisherId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from ringbid.worker.snapshot import Catalogs
from support import hostile_server as partners
from support.asgi import call
from support.hostile_server import Behaviour, HostileServer, ask_to, in_good_time
from support.refusal_causes import (
    CAMPAIGN,
    EVERY,
    KEY,
    OF_BUYERS,
    OF_PINGS,
    SHORT_SECONDS,
    Cause,
    Planted,
    Plot,
    new_plot,
)
from support.scenario import put, yaml_of
from support.web import OWNER, FixedIdentities

CHRISTMAS_NOON = datetime(2026, 12, 25, 17, tzinfo=UTC)  # in New York
_BREAKER_FAILURES = 6
_MOST_TURNS = 20
_ACME = CompanyId("acme")
_pages: list[Litestar] = []
_WHO = FixedIdentities({"owner": replace(OWNER, scopes=frozenset({"pings"}))})


class ChristmasClock:
    """The wall stands near noon of a public holiday; monotonic time is the machine's, as asks take real time."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._started = self._real.monotonic()

    def now(self) -> datetime:
        return CHRISTMAS_NOON + timedelta(seconds=self.monotonic() - self._started)

    def monotonic(self) -> float:
        return self._real.monotonic()


async def _slow(visit: partners.Visit) -> None:
    await asyncio.sleep(2 * SHORT_SECONDS)
    await _GOOD(visit)


_BID = b'{"accepted": true, "bid": {"amount": 3.5, "exact": 3.5, "min_seconds": 60}}'
_GOOD = partners.saying(_BID)
_BEHAVIOURS: dict[str, Behaviour] = {
    "good": _GOOD,
    "failing": partners.raw(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"),
    "declining": partners.saying(_BID.replace(b"true", b"false")),
    "slow": _slow,
    "garbled": partners.saying(b'{"accepted": true, "accepted": false}'),
    "odd": partners.saying(_BID.replace(b"3.5", b'"a \\u003cscript\\u003e lot"', 1)),
    "tripped": partners.raw(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"),
}


@asynccontextmanager
async def open_partners(tls: ssl.SSLContext) -> AsyncIterator[dict[str, str]]:
    """The URL of each partner, and URLs that lead nowhere. `tls` has a certificate that nobody trusts."""
    async with AsyncExitStack() as stack:
        urls = {
            name: (await stack.enter_async_context(HostileServer(behaviour))).url
            for name, behaviour in _BEHAVIOURS.items()
        }
        async with HostileServer(_GOOD) as closed:
            urls["closed"] = closed.url
        untrusted = await stack.enter_async_context(HostileServer(_GOOD, tls=tls))
        urls["untrusted"] = untrusted.url.replace("http:", "https:")
        urls["forbidden"] = "http://169.254.169.254/bid"
        urls["nowhere"] = "http://buyer.invalid/bid"
        yield urls


@dataclass
class Play:
    """One plot on one running product, with the catalog as it stands now."""

    plot: Plot
    folder: Path
    store: Store
    catalogs: Catalogs
    client: OutboundClient
    app: Application
    pages: Litestar
    editor: CatalogEditor
    rng: random.Random
    _tree: dict[str, Any]

    async def prepare(self) -> None:
        """Take the places that are to be full, trip the breaker, and put the causes in force."""
        whole = self._tree
        for buyer in dict.fromkeys(self.plot.full):
            alone = new_plot(self.plot.urls, [one["id"] for one in whole["buyers"]])
            alone.campaign["routing"]["buyers"] = [{"buyer": buyer}]
            alone.campaign["rtb_keys"][0]["count_on_reserve"] = True
            groups = whole.get("buyer_groups", [])
            alone.tree["buyer_groups"] = [{**group, "caps": {}} for group in groups]
            await self._put(alone.tree)
            reply = await self.ping({**alone.ping, "caller_number": f"+1213555{1000 + len(buyer) + ord(buyer[-1])}"})
            assert reply["status"] == "reserved", reply
        if any(webhook["url"] == self.plot.urls["tripped"] for webhook in self.plot.campaign["webhooks"]):
            for _ in range(_BREAKER_FAILURES):
                await self.client.send(ask_to(self.plot.urls["tripped"]), ends_at=in_good_time())
        await self._put(whole)

    async def perform(self) -> list[Reason]:
        """Ping, read the refusal, change what it names, and again; the reasons in their order."""
        await self.prepare()
        reasons: list[Reason] = []
        for _ in range(_MOST_TURNS):
            reply = await self.ping(self.plot.ping)
            if reply["status"] == "reserved" and self.plot.overtaken:
                reply = await self._confirm_after_another(reply)
            if reply["status"] in ("reserved", "confirmed"):
                return reasons
            told = await self.read_back(reply)
            reason, setting = self._choose(told)
            planted = self.plot.planted.get(setting)
            assert planted is not None, (
                f"{reason.code} names {setting}, but {sorted(self.plot.planted)} are to be mended"
            )
            assert reason in planted.reasons, f"{reason.code} at {setting}, where {planted.reasons} was expected"
            reasons.append(reason)
            await self.mend(setting)
            del self.plot.planted[setting]
        raise AssertionError(f"still refused after {reasons}; left are {sorted(self.plot.planted)}")

    async def ping(self, parameters: dict[str, str]) -> Any:
        response = await call(self.app, "POST", "/rtbs.json", query=parameters)
        assert response.status == 200, response.body
        return response.json

    async def _confirm_after_another(self, reply: Any) -> Any:
        """What the publisher is answered that confirms when another one has done so already."""
        other = await self.ping({**self.plot.ping, "caller_number": "+12135550188"})
        await self._confirm(other)
        return await self._confirm(reply)

    async def _confirm(self, reply: Any) -> Any:
        query = {"key": KEY, "status": "confirmed"}
        response = await call(self.app, "PUT", f"/rtbs/{reply['uuid']}.json", query=query)
        assert response.status == 200, response.body
        return response.json

    def _choose(self, told: Explanation) -> tuple[Reason, str]:
        """What to mend next: what ended the ping, or else what kept any one of the buyers."""
        if told.setting is not None:
            return told.reason, told.setting
        row = self.rng.choice(told.buyers)
        assert row.setting is not None, f"{row.buyer_id} was refused for {row.reason.code}, and no setting is named"
        return row.reason, row.setting

    async def read_back(self, reply: Any) -> Explanation:
        """API, page and command say what is stored: the same code, actual and expected for the ping and each buyer."""
        stored = await self.store.reservations.find(PingId(reply["uuid"]))
        assert stored is not None
        told = explain(stored)
        assert told.actual, f"{told.reason.code} tells no actual"
        assert told.expected, f"{told.reason.code} tells no expected"
        for row in told.buyers:
            if row.reason not in (Reason.NOT_CONSIDERED, Reason.WON):
                assert row.actual, f"{row.reason.code} tells no actual"
                assert row.expected, f"{row.reason.code} tells no expected"
        await self._check_api(told, reply)
        await self._check_resource(told)
        await self._check_page(told)
        await self._check_command(told)
        return told

    async def _check_api(self, told: Explanation, reply: Any) -> None:
        uuid = told.ping.ping_id
        response = await call(self.app, "GET", f"/rtbs/{uuid}.json", query={"key": KEY})
        view = response.json
        assert reply["code"] == view["code"] == told.reason.safe_code
        assert [one["code"] for one in view["buyers"]] == [row.reason.safe_code for row in told.buyers]

    async def _check_resource(self, told: Explanation) -> None:
        """The API for programs says it field by field."""
        path, headers = f"/api/v1/pings/{told.ping.ping_id}", {"authorization": "Bearer owner"}
        response = await call(self.pages, "GET", path, headers=headers)
        assert response.status == 200, response.body
        view = response.json
        assert _cause(view["reason"]) == (told.reason.code, told.actual, told.expected, told.setting)
        rows = [(row.reason.code, row.actual, row.expected, row.setting) for row in told.buyers]
        assert [_cause(one["reason"]) for one in view["buyers"]] == rows

    async def _check_page(self, told: Explanation) -> None:
        shown = _text_of(await self._open(f"/call_reservations/{told.ping.ping_id}"))
        _check_words(shown, told, face="page")

    async def _follow(self, setting: str) -> None:
        """The link of the setting leads to a page that has its field."""
        link = setting_link(setting)
        assert link is not None, f"{setting} leads to no page"
        path, _, field = link.partition("#")
        shown = await self._open(path)
        if field:
            assert f'id="{field}"' in shown, f"{path} of {setting} has no field {field}"

    async def _open(self, path: str) -> str:
        transport = httpx.ASGITransport(self.pages)
        async with httpx.AsyncClient(transport=transport, base_url="http://ringbid.test") as browser:
            browser.cookies.set("ringbid", "owner")
            response = await browser.get(path, headers={"accept": "text/html"})
        assert response.status_code == 200, f"{path}: {response.status_code} {response.text}"
        return response.text

    async def _check_command(self, told: Explanation) -> None:
        arguments = ["explain", told.ping.ping_id, "--data", str(self.folder)]
        done = await asyncio.to_thread(CliRunner().invoke, commands, arguments, env={"COLUMNS": "1000"})
        assert done.exit_code == 0, done.output
        _check_words(" ".join(done.output.split()), told, face="command")

    async def _change(self, planted: Planted) -> None:
        """What the console's form does."""
        edition = await self.editor.read(_ACME)
        assert edition is not None
        edits = [Set(planted.setting, planted.value)]
        outcome = await self.editor.change(Author(name="test"), _ACME, edition.version, edits)
        assert isinstance(outcome, Applied), outcome
        assert outcome.changes, f"{planted.setting} was {planted.value} already"
        await self.catalogs.refresh()

    async def over_rate(self) -> tuple[Any, Refused]:
        """The answer to one ping more than the key allows, and why it is refused."""
        put(self._tree, f"{CAMPAIGN}.rtb_keys[Default].rate_limit", {"pings": 1, "per_seconds": 3600})
        self.plot.plant(f"{CAMPAIGN}.rtb_keys[Default].rate_limit", None, Reason.RATE_LIMITED)
        await self._put(self._tree)
        await self.ping({**self.plot.ping, "caller_number": "+12135550188"})
        response = await call(self.app, "POST", "/rtbs.json", query=self.plot.ping)
        assert response.status == 429
        view = self.catalogs.snapshot.keys[key_id_of(KEY)]
        rates = PublisherRates(ChristmasClock())
        refusals = [rates.refuse_if_over(view, PublisherId("PUB")) for _ in range(2)]
        assert refusals[0] is None
        assert refusals[1] is not None
        return response.json, refusals[1]

    async def mend(self, setting: str) -> None:
        """Follow the link of what was named, and change it."""
        await self._follow(setting)
        await self._change(self.plot.planted[setting])

    async def remove_under_way(self, buyer: str) -> Any:
        """The reply to a ping whose buyers leave the campaign while this one is being asked."""
        asked, removed = asyncio.Event(), asyncio.Event()

        async def hold(visit: partners.Visit) -> None:
            asked.set()
            await removed.wait()
            await _GOOD(visit)

        async def remove() -> None:
            await asked.wait()
            routing["buyers"] = []
            await self._put(self._tree)
            removed.set()

        routing = self._tree["campaigns"][0]["routing"]
        self.plot.plant(f"{CAMPAIGN}.routing.buyers", routing["buyers"], Reason.NO_BUYER_AVAILABLE)
        async with HostileServer(hold) as server:
            put(self._tree, f"{CAMPAIGN}.webhooks[ask {buyer}].url", server.url)
            await self._put(self._tree)
            reply, _ = await asyncio.gather(self.ping(self.plot.ping), remove())
        put(self._tree, f"{CAMPAIGN}.webhooks[ask {buyer}].url", self.plot.urls["good"])
        await self._put(self._tree)
        return reply

    async def _put(self, tree: dict[str, Any]) -> None:
        result = await apply_to(self.store, yaml_of(tree), plan_only=False, applied_by="test")
        assert not result.problems, result.problems
        await self.catalogs.refresh()


def _cause(view: Any) -> tuple[object, ...]:
    return (view["code"], view["actual"], view["expected"], view["setting"])


def _check_words(shown: str, told: Explanation, *, face: str) -> None:
    words = [told.reason.code, told.actual, told.expected, told.setting]
    for row in told.buyers:
        if row.reason is Reason.WON:
            continue  # what it brings stands among the prices
        words += [row.reason.code, row.actual, row.expected, row.setting]
    for word in words:
        if word is not None:
            assert " ".join(word.split()) in shown, f"the {face} does not say {word!r}:\n{shown}"


def _text_of(page: str) -> str:
    """What a person reads, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@asynccontextmanager
async def open_play(plot: Plot, folder: Path, rng: random.Random) -> AsyncIterator[Play]:
    """The product on an empty store in `folder`."""
    clock = ChristmasClock()
    settings = Settings(data=folder)
    store = await open_store(settings, clock, store_clock=clock)
    catalogs = Catalogs(store)
    await catalogs.refresh()
    outbound = Outbound(allow_private=True, breaker_failures=_BREAKER_FAILURES, breaker_open_seconds=600)
    client = OutboundClient(outbound, clock, resolver=_resolve)
    try:
        yield Play(
            plot=plot,
            folder=folder,
            store=store,
            catalogs=catalogs,
            client=client,
            app=build_application(store.reservations, catalogs, client, settings=settings, clock=clock),
            pages=_pages_over(make_office(settings, clock=clock, catalogs=catalogs, store=store, identities=_WHO)),
            editor=CatalogEditor(store),
            rng=rng,
            _tree=copy.deepcopy(plot.tree),
        )
    finally:
        await client.aclose()
        await store.close()


def _pages_over(office: Office) -> Litestar:
    """The web application, made once and not for each play, which would take longer than the play itself."""
    if not _pages:
        _pages.append(build_web(office, HANDLERS))
    _pages[0].state.office = office
    return _pages[0]


async def _resolve(host: str) -> tuple[str, ...]:
    """No name is known: a test asks no name server."""
    return ()


def make_plot(number: int, urls: dict[str, str], rng: random.Random) -> Plot:
    """The plot of this number: each cause alone first, in their order, then mixtures of up to ten."""
    if number < len(EVERY):
        plot = new_plot(urls, ["b1"])
        EVERY[number].plant(plot, "b1")
    else:
        buyers = [f"b{index}" for index in range(1, rng.randint(1, 4) + 1)]
        plot = new_plot(urls, buyers)
        for cause in _some_of(OF_PINGS, rng, at_most=3):
            cause.plant(plot, buyers[0])
        for buyer in buyers:
            for cause in _some_of(OF_BUYERS, rng, at_least=1, at_most=4):
                cause.plant(plot, buyer)
    plot.campaign["rtb_keys"][0]["explain"] = "buyers"
    return plot


def _some_of(causes: tuple[Cause, ...], rng: random.Random, *, at_most: int, at_least: int = 0) -> list[Cause]:
    """Some of them, no two of a kind."""
    chosen: dict[str, Cause] = {}
    for cause in rng.sample(causes, rng.randint(at_least, at_most)):
        chosen.setdefault(cause.kind, cause)
    return list(chosen.values())
