"""The jump field: from an id, a number or a name to its page. What is none of these is sought among the pings."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from litestar import get
from litestar.params import FromQuery
from litestar.response import Redirect

from ringbid.accounts.policy import Policy
from ringbid.catalog.phone_parsing import parse_phone
from ringbid.catalog.snapshot import CompanyView
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.telling import find_call, find_ping


@get("/jump", opt={"policy": Policy.READ}, name="jump")
async def jump(request: WebRequest, q: FromQuery[str] = "") -> Redirect:
    """Leads to what `q` names in the actor's company."""
    office, company_id, wanted = office_of(request), actor_of(request).company_id, q.strip()[:200]
    company = office.catalogs.snapshot.companies.get(company_id)
    if await find_ping(office.reservations, company_id, wanted) is not None:
        return Redirect(f"/call_reservations/{quote(wanted, safe='')}", status_code=303)
    if await find_call(office.calls, company_id, wanted) is not None:
        return Redirect(f"/calls/{quote(wanted, safe='')}", status_code=303)
    place = _place_of(wanted, company) if company is not None else None
    if place is not None:
        return Redirect(place, status_code=303)
    number = parse_phone(wanted)
    return Redirect(f"/pings?{urlencode({'search': str(number or wanted)})}", status_code=303)


def _place_of(wanted: str, company: CompanyView) -> str | None:
    """The page of the publisher, buyer or campaign with this id or name, however it is capitalised."""
    catalog, text = company.catalog, wanted.casefold()
    for folder, things in (
        ("publishers", catalog.publishers),
        ("buyers", catalog.buyers),
        ("campaigns", catalog.campaigns),
    ):
        for thing in things:
            if text in (thing.id.casefold(), thing.name.casefold()):
                return f"/{folder}/{quote(thing.id, safe='')}"
    return None


HANDLERS = [jump]
