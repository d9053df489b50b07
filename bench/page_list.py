"""Which pages `bench.pages` asks for: every route that is read, and more of those with filters, sizes and groups."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from litestar import Litestar

from bench.million import KEY_ID, RARE_CALLER, RARE_PUBLISHER
from ringbid.accounts.actor import Role
from ringbid.reports.funnel import FACETS, GROUPS
from support.routes import ways_of
from support.whole_office import Belongings, actors_of

_FILES = (".csv", ".xlsx")
_FEED = "/live/feed"
_TAG = "tag:age"


@dataclass(frozen=True, slots=True)
class Asked:
    """`session` is whose page it is; of a `file` the first part counts, for it is sent while it is read. Pages that are
    `alike` are one row of the table: the slowest."""

    name: str
    path: str
    session: str = Role.OWNER.value
    file: bool = False
    alike: str = ""


def every_page(web: Litestar, ours: Belongings) -> Iterator[Asked]:
    """Each route that answers GET, as whoever may see it. A new one is measured by itself."""
    for way in ways_of(web):
        if way.method != "GET" or way.template == _FEED:
            continue
        session = next(name for name, actor in actors_of(ours).items() if way.expected(actor) == "yes")
        path = way.path(way.own_values(ours))
        name = way.template.replace(":str}", "}")
        if name == "/pings.xlsx":  # a workbook has no first part before its last row: a million take minutes
            name, path = "/pings.xlsx, of ten", f"{path}?search={quote(RARE_CALLER)}"
        yield Asked(name, path, session, file=way.template.endswith(_FILES))


def lists(now: datetime) -> Iterator[Asked]:
    """Lists by what is easy to find, and by what is not there."""
    half_a_day_ago = quote((now - timedelta(hours=12)).isoformat())
    known = {
        "pings, 1,000 rows": "/pings?size=1000",
        "pings of a campaign": "/pings?campaign_id=campaign-003",
        "pings of a publisher with ten": f"/pings?publisher_id={RARE_PUBLISHER}",
        "pings of a caller with ten": f"/pings?search={quote(RARE_CALLER)}",
        "pings that fit nothing": "/pings?caller_state=ZZ&revenue_min=20",
        "pings by their reservation's state": "/pings?state=released",
        "pings of a key": f"/pings?key_id={KEY_ID}",
        "rejected pings until half a day ago": f"/pings?status=rejected&created_to={half_a_day_ago}",
        "live": "/live?paused=1",
        "calls, 1,000 rows": "/calls?size=1000",
        "calls that converted": "/calls?converted=true",
        "calls, longer than two minutes": "/calls?duration_min=120",
        "deliveries, 1,000 rows": "/deliveries?size=1000",
        "dead deliveries": "/deliveries?state=dead",
        "API: pings, 1,000 rows": "/api/v1/pings?limit=1000",
        "API: calls, 1,000 rows": "/api/v1/calls?limit=1000",
    }
    for name, path in known.items():
        yield Asked(name, path)
    yield Asked("file of pings that fit nothing", "/pings.csv?caller_state=ZZ&revenue_min=20", file=True)
    yield Asked(
        "portal: pings of no such number", "/portal/publisher/pings?search=%2B12125550188", Role.PUBLISHER.value
    )


def reports(ours: Belongings) -> Iterator[Asked]:
    """Every group with every mixture of filters that the page offers."""
    places = {"campaign": ours.campaign, "publisher": ours.publisher, "buyer": ours.buyer}
    facets = {"state": "CA", "reason": "no_buyer_available", "number": "+18444021146", "tag": "age:44"}
    for group in (*GROUPS, _TAG):
        own_facet = "tag" if group == _TAG else group if group in FACETS else None
        for count in range(len(places) + 1):
            for chosen in itertools.combinations(places, count):
                for facet in ("", *facets):
                    if facet and own_facet not in (None, facet):
                        continue
                    filters = {name: places[name] for name in chosen} | ({facet: facets[facet]} if facet else {})
                    query = "".join(f"&{name}={quote(value, safe='')}" for name, value in filters.items())
                    yield Asked(
                        f"reports by {group}, {' and '.join(filters) or 'all'}",
                        f"/reports?period=7d&group={group}{query}",
                        alike=f"reports by {group}, {'filtered' if filters else 'all'}",
                    )
