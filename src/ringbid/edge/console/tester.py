"""The ping tester: a ping tried by the flow's own steps, shown buyer by buyer and as its publisher would get it.

Nothing is kept, no place is held, no cap counts. Buyers are asked only where that is ticked, by who may change things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.response import Template

from ringbid.accounts.actor import Actor
from ringbid.accounts.policy import Policy, allows
from ringbid.catalog.snapshot import CompanyView, KeyView
from ringbid.edge.api.parsing import read_parameters
from ringbid.edge.api.statuses import status_of
from ringbid.edge.console.lists import wording_of
from ringbid.edge.console.pages import fragment, page, public_url
from ringbid.edge.console.presets import PRESETS, TAG, fill, fill_again, tags_of_form
from ringbid.edge.console.waterfall import MASKED, Picture, fields_of, hidden_from, picture_of
from ringbid.edge.web.forms import read_form
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.ping.reply import error_body
from ringbid.ping.trying import Trial
from ringbid.reports.explain import explain
from ringbid.reports.telling import find_ping
from ringbid.values.verdict import Refused

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Result:
    """What a tried ping came to: its picture, or why it was no ping; and the reply, written for reading."""

    status: str
    body: str
    picture: Picture | None
    refused: Refused | None


@get("/tester", opt={"policy": Policy.READ}, name="tester")
async def show_tester(request: WebRequest) -> Template:
    """The form, filled in as the address, one of its presets or a stored ping says."""
    company = _company(request)
    fields = dict(request.query_params.items())
    fields = await _ping_again(request, company, fields.pop("ping", "")) | fields
    view = _key(company, fields.get("key", "")) or next(iter(_keys(company).values()), None)
    preset = fields.pop("preset", "")
    office = office_of(request)
    today = office.clock.now().astimezone(ZoneInfo(company.catalog.company.time_zone)).date()
    filled = fill(preset, view, office.random_bytes, fields, today=today) if view is not None else {}
    return _page(request, company, view, filled | fields, None)


@post("/tester", status_code=200, opt={"policy": Policy.READ}, name="tester-run")
async def run_tester(request: WebRequest) -> Template:
    """The result: the part of the page for htmx, the whole page for a browser without script."""
    company, office = _company(request), office_of(request)
    form = await read_form(request)
    view = _key(company, form.get("key", ""))
    if view is None:
        raise NotFoundException("There is no such RTB key. It may have been removed: load the page again.")
    at = _time(form.get("at", ""), company.catalog.company.time_zone)
    parameters = read_parameters(b"", _encoded(form), _FORM)
    assert office.trials is not None, "a server can try pings"
    tried: Trial | Refused = parameters if isinstance(parameters, Refused) else await office.trials.try_ping(
        parameters,
        view,
        at=at,
        ask_buyers="ask_buyers" in form and _may_ask(actor_of(request)),
        repeated="repeated" in form,
    )  # fmt: skip
    result = _result(request, company, tried)
    if request.headers.get("hx-request"):
        return fragment(request, "tester/result.html", result=result)
    return _page(request, company, view, form, result)


async def _ping_again(request: WebRequest, company: CompanyView, uuid: str) -> dict[str, str]:
    """The fields of the form as this ping was sent, but for tags that the actor may not read; none where there is no
    such ping any more, or its key is gone."""
    office, actor = office_of(request), actor_of(request)
    ping = await find_ping(office.reservations, actor.company_id, uuid) if uuid else None
    view = _key(company, ping.key_id) if ping is not None else None
    if ping is None or view is None:
        return {}
    sent = fields_of(explain(ping), hidden_from(actor, company), tag_prefix=view.key.tag_prefix)
    return fill_again([field for field in sent if field[1] != MASKED], view)


def _page(
    request: WebRequest, company: CompanyView, view: KeyView | None, form: Mapping[str, str], result: Result | None
) -> Template:
    keys = [(one.key.id, f"{one.campaign.name}: {one.key.name}") for one in _keys(company).values()]
    return page(
        request,
        "tester/page.html",
        title="Ping tester",
        view=view,
        keys=keys,
        publishers=[(one.id, f"{one.name} ({one.id})") for one in company.catalog.publishers],
        tags=tags_of_form(view) if view is not None else (),
        tag_prefix=TAG,
        form=form,
        presets=PRESETS,
        may_ask=_may_ask(actor_of(request)),
        result=result,
    )


def _result(request: WebRequest, company: CompanyView, tried: Trial | Refused) -> Result:
    if isinstance(tried, Refused):
        status, body = status_of(tried.reason), error_body(tried)
        picture = None
    else:
        status, body = tried.reply.status, tried.reply.body
        picture = picture_of(
            explain(tried.ping, wording_of(company)),
            company=company,
            actor=actor_of(request),
            base_url=public_url(request),
        )
    pretty = msgspec.json.format(body, indent=2).decode()
    words = f"{status} {HTTPStatus(status).phrase}"
    return Result(words, pretty, picture, tried if isinstance(tried, Refused) else None)


def _encoded(form: Mapping[str, str]) -> bytes:
    """The form's ping as a publisher would send it; a field that was left empty is not sent."""
    pairs = [(name, form.get(name, "").strip()) for name in ("publisher_id", "caller_number", "inbound_number")]
    pairs += [(name.removeprefix(TAG), value.strip()) for name, value in form.items() if name.startswith(TAG)]
    for line in form.get("more", "").splitlines():
        name, _, value = line.partition("=")
        pairs.append((name.strip(), value.strip()))
    return urlencode([(name, value) for name, value in pairs if name and value and name != "key"]).encode()


def _time(text: str, zone: str) -> datetime | None:
    """`2026-03-04T10:14` on the company's wall clock; None, which is now, for anything else."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)) if text else None
    except (ValueError, OverflowError):
        return None


def _company(request: WebRequest) -> CompanyView:
    company = office_of(request).catalogs.snapshot.companies.get(actor_of(request).company_id)
    if company is None:
        raise NotFoundException("This company has no catalog yet: make its first campaign.")
    return company


def _keys(company: CompanyView) -> dict[str, KeyView]:
    return {
        key.id: KeyView(company, campaign, key) for campaign in company.catalog.campaigns for key in campaign.rtb_keys
    }


def _key(company: CompanyView, key_id: str) -> KeyView | None:
    return _keys(company).get(key_id)


def _may_ask(actor: Actor) -> bool:
    """Buyers notice when they are asked, and some count it."""
    return allows(Policy.MANAGE, actor) == "yes"


HANDLERS = [show_tester, run_tester]
