"""The page after a key was made: its secret, this once, and what to do with it next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from litestar.response import Template

from ringbid.catalog.key_reading import NewKey
from ringbid.catalog.model import Campaign, Catalog, Publisher, RtbKey
from ringbid.edge.console.links import with_query
from ringbid.edge.console.pages import page
from ringbid.edge.web.office import WebRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A new key with its secret. `settings` is None where it is no RTB key. `paid` are the publishers that some rule of
    the campaign pays, `others` the rest. `test_path` tries a ping with it."""

    made: NewKey
    settings: RtbKey | None = None
    paid: tuple[Publisher, ...] = ()
    others: tuple[Publisher, ...] = ()
    test_path: str = ""


def new_keys_page(
    request: WebRequest, made: Sequence[NewKey], catalog: Catalog, *, back: str, heading: str = "Your new key"
) -> Template:
    """`catalog` is the one that the keys are in; `back` is where everybody goes who has copied them."""
    keys = [_shown(key, catalog) for key in made]
    return page(request, "catalog/new_key.html", title=heading, keys=keys, back=back)


def _shown(made: NewKey, catalog: Catalog) -> _Shown:
    campaign = next((one for one in catalog.campaigns if one.id == made.campaign_id), None)
    if made.kind != "rtb_keys" or campaign is None:
        return _Shown(made=made)
    settings = next((key for key in campaign.rtb_keys if key.name == made.name), None)
    working = [publisher for publisher in catalog.publishers if not publisher.paused]
    paid = tuple(publisher for publisher in working if _is_paid(publisher, campaign))
    query = {"key": settings.id if settings is not None else None, "publisher_id": paid[0].id if paid else None}
    return _Shown(
        made=made,
        settings=settings,
        paid=paid,
        others=tuple(publisher for publisher in working if publisher not in paid),
        test_path=with_query("/tester", **query),
    )


def _is_paid(publisher: Publisher, campaign: Campaign) -> bool:
    return any(not rule.publishers or publisher.id in rule.publishers for rule in campaign.conversions)
