"""The API against its own OpenAPI document: thousands of requests that fit it, and thousands that do not.

schemathesis makes them; whatever it sends, the answer is one that the document knows, and never a 5xx. It runs on a
store with something in it, and every other request names things that are there. That what fits a form is
accepted is not asked of catalog writes: what fits each field may still not fit together, and is then refused by name.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections import Counter
from contextlib import suppress
from datetime import date
from http import HTTPStatus
from itertools import count
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.transport.requests import REQUESTS_TRANSPORT, RequestsTransport
from urllib3 import HTTPResponse

from ringbid.edge.api.v1.catalog_kinds import KINDS
from ringbid.edge.api.v1.reference import schema as document
from ringbid.reports.funnel import GROUPS
from ringbid.values.reason import BY_CODE
from support.api_v1 import BASE, Api, api_world
from support.call_stage import exchange
from support.stores import StorePlace
from support.web import OWNER

CASES = 5000
PARTS = 4
_ETAG = re.compile('"[0-9]{1,18}"')
_HERE = "http://testserver.local"
_NAMED_BY = {kind.path: kind.named_by for kind in KINDS}
_AS_OWNER = {"Authorization": "Bearer owner"}

_DAYS = st.dates(date(1971, 1, 1), date(9000, 12, 31)).map(str)
schemathesis.openapi.format("day-or-time", _DAYS)
schemathesis.openapi.format("date", _DAYS)  # no day of a statement is before money was first booked


class Sender:
    """Sends cases and holds the answers to the document. `sent` counts them, by operation and status."""

    def __init__(self, api: Api) -> None:
        self._known = {
            "campaign_id": ["cars"],
            "uuid": [api.ping, api.call],
            "code": ["not_found", "buyer_closed"],
            "message_id": api.messages,
        }
        catalog = api.world.catalogs.snapshot.companies[OWNER.company_id].catalog
        [campaign] = catalog.campaigns
        self._named = {kind.path: list(map(kind.name_of, kind.things(catalog, campaign))) for kind in KINDS}
        self._turn = count()
        self._today = str(api.world.clock.now().date())
        self.etag = '"1"'
        self.sent: Counter[tuple[str, int]] = Counter()

    def send(self, case: Any) -> None:
        turn = next(self._turn)
        positive = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
        fits = positive and not case.operation.body
        if positive:
            # Nobody can guess a cursor: that pages lead to each other is tested beside this.
            (case.query or {}).pop("cursor", None)
            if str((case.query or {}).get("first_day", "")) > str((case.query or {}).get("last_day", self._today)):
                case.query.pop("first_day")
            if "Idempotency-Key" in (case.headers or {}):  # with one of another request it is refused
                case.headers["Idempotency-Key"] = f"turn-{turn}"
            if case.operation.path.endswith("/reports"):
                fits = self._ask_for_report(case.query, turn)
            if turn % 2:
                for name in case.path_parameters or {}:
                    known = self._known.get(name) or self._named[_kind_of(case.operation.path)] or ["nobody"]
                    case.path_parameters[name] = known[turn // 2 % len(known)]
                    if name == "name" and isinstance(case.body, dict):
                        case.body[_NAMED_BY[_kind_of(case.operation.path)]] = case.path_parameters[name]
        if _ETAG.fullmatch((case.headers or {}).get("If-Match", "")):
            if turn % 4 < 3:
                case.headers["If-Match"] = self.etag
            else:
                fits = False
        excluded = [] if fits else [positive_data_acceptance]
        if [] in (case.query or {}).values():  # a list of nothing is not sent, so it may be all that was wrong
            excluded.append(negative_data_rejection)
        answer = case.call_and_validate(base_url=_HERE, headers=_AS_OWNER, excluded_checks=excluded)
        self.sent[case.operation.label, answer.status_code] += 1
        if answer.status_code == 422:
            told = answer.json()
            assert told["code"] in BY_CODE or told["errors"], told
            assert all(one["expected"] for one in told.get("errors", ())), told
        self.etag = answer.headers.get("etag", [self.etag])[0]

    def _ask_for_report(self, query: dict[str, Any], turn: int) -> bool:
        """Every other time, something that must be told: any text is a group's name, and few days are a period."""
        if turn % 2:
            for name in set(query) - {"group", "period"}:
                query.pop(name)
            query["group"] = GROUPS[turn // 2 % len(GROUPS)]
        return bool(turn % 2)


def _kind_of(path: str) -> str:
    """The path of the list that a thing is in, as `catalog_kinds` has it."""
    return path.removeprefix(BASE).partition("/{name}")[0].replace("{campaign_id}", "{campaign_id:str}")


class _Bridge(BaseAdapter):
    """Lets the application answer what `requests` sends, in the event loop that its store belongs to."""

    def __init__(self, api: Api, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._api = api
        self._loop = loop

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        asking = self._api.client.request(
            str(request.method), str(request.url), headers=dict(request.headers), content=request.body
        )
        found = asyncio.run_coroutine_threadsafe(asking, self._loop).result(30)
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = found.status_code, str(request.url), request
        answer.reason = found.reason_phrase
        answer.raw = HTTPResponse(
            io.BytesIO(found.content),
            headers=found.headers.multi_items(),
            status=found.status_code,
            preload_content=False,
        )
        answer.headers = CaseInsensitiveDict(found.headers)
        return answer

    def close(self) -> None:
        """Nothing is open."""


def _bridged(schema: Any, bridge: _Bridge) -> Any:
    """`schema` whose requests, and those of its checks, take the bridge instead of the network."""

    class Transport(RequestsTransport):
        def send(self, case: Any, *, session: Any = None, **more: Any) -> Any:
            with requests.Session() as own:
                own.mount("http://", bridge)
                return super().send(case, session=own, **({"base_url": _HERE} | more))

    transport = Transport()
    transport._copy_serializers_from(REQUESTS_TRANSPORT)
    schema.__class__ = type("Bridged", (type(schema),), {"transport": transport})
    return schema


@pytest.mark.timeout(600)  # thousands of requests, on a machine that may do four parts and more at once
@pytest.mark.parametrize("part", range(PARTS))  # side by side where there are processors for it
def test_no_request_ends_otherwise_than_the_document_says(sqlite_place: StorePlace, part: int) -> None:
    async def story() -> None:
        async with api_world(sqlite_place) as api:
            await api.world.apply(catalog=_catalog())
            await asyncio.to_thread(_check_all, api, asyncio.get_running_loop(), part)

    asyncio.run(story())


def _check_all(api: Api, loop: asyncio.AbstractEventLoop, part: int) -> None:
    schema = _bridged(schemathesis.openapi.from_dict(document()), _Bridge(api, loop))
    # A request that is wrong may also come too late, and then is told that.
    schema.config.checks.negative_data_rejection.expected_statuses.append("412")
    operations = [found.ok() for found in schema.get_all_operations()]
    sender, cases = Sender(api), CASES // PARTS
    # Those that take next to nothing are done first, and leave their share to the others.
    operations.sort(key=lambda one: len(list(one.iter_parameters())) + bool(one.body))
    operations = operations[part::PARTS]
    for left, operation in zip(range(len(operations), 0, -1), operations, strict=True):
        share = max(2, (cases - sender.sent.total()) // left + 1)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _send(sender, operation, mode, most=share // 2 + 1)
            if operation.method != "get":
                asyncio.run_coroutine_threadsafe(_put_back(api, sender), loop).result(30)
    assert sender.sent.total() >= cases, sender.sent
    told = {operation for operation, status in sender.sent if status == HTTPStatus.OK}
    assert told >= {one.label for one in operations if one.method == "get"}, sender.sent


def _catalog() -> dict[str, Any]:
    """Something in every list."""
    catalog = exchange()
    catalog["buyer_groups"] = [{"id": "both", "name": "Both", "buyers": ["alpha", "bravo"]}]
    catalog["event_webhooks"] = [{"id": "desk", "url": "https://example.com/events"}]
    catalog["campaigns"][0]["access_keys"] = [{"key": "key-of-the-sales-desk", "name": "Sales", "allows": "convert"}]
    return catalog


async def _put_back(api: Api, sender: Sender) -> None:
    """Every operation finds what the others have removed."""
    await api.world.apply(catalog=_catalog())
    edition = await api.office.editor.read(OWNER.company_id)
    assert edition is not None
    sender.etag = f'"{edition.version}"'


def _send(sender: Sender, operation: Any, mode: GenerationMode, *, most: int) -> None:
    @settings(
        max_examples=most,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        sender.send(case)

    with suppress(Unsatisfiable):  # whatever is sent to some operations is right, as far as its form goes
        run()
