"""From the setting that decides a refusal to the page of the console, and the field on it, that mends it.

`buyers[alpha].caps.concurrency` → `/buyers/alpha#caps-concurrency`. The settings are those that refusals and verdicts
name (paths into the catalog), and those of the server (`outbound.allow_private`), which the page about them explains.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from ringbid.values.ids import PingId

# A name in brackets may itself have brackets: the shortest that leaves a field behind it.
_FIELD = r"(?:\.(?P<field>[a-z_0-9]+(?:\[\d+\])?(?:\.[^\[\]]+)?))?"
_THING = re.compile(rf"(?P<list>[a-z_]+)\[(?P<name>.*?)\]{_FIELD}", re.DOTALL)
_CAMPAIGN = re.compile(r"campaigns\[(?P<id>[^\]]*)\](?:\.(?P<rest>.+))?", re.DOTALL)
_PAGES = {
    "tags": "/settings/tags",
    "publishers": "/publishers",
    "buyers": "/buyers",
    "buyer_groups": "/buyer-groups",
    "campaigns": "/campaigns",
    "event_webhooks": "/settings/webhooks",
}
_BY_QUERY = ("tags", "buyer_groups", "event_webhooks")
# The parts of a campaign's page, by their name in the catalog.
PARTS = {
    "numbers": "numbers",
    "rtb_keys": "keys",
    "access_keys": "access",
    "routing": "routing",
    "routing.buyers": "routing",
    "conversions": "conversions",
    "webhooks": "webhooks",
}
_FIRST_OF = {"caps": "caps.concurrency", "rate_limit": "rate_limit.pings"}  # several fields: the first
_SERVER = "/settings/server"


def setting_link(setting: str | None, *, ping_id: PingId | None = None) -> str | None:
    """The console's address for a setting; None where there is no setting, or none that a page shows. `ping_id`: the
    ping that the setting has decided, to whose page one is led back once the setting is saved."""
    link = _page_of(setting) if setting else None
    if link is None or ping_id is None:
        return link
    path, mark, field = link.partition("#")
    return f"{path}{'&' if '?' in path else '?'}ping={ping_id}{mark}{field}"


def _page_of(setting: str) -> str | None:
    campaign = _CAMPAIGN.fullmatch(setting)
    if campaign is not None:
        return _of_campaign(f"/campaigns/{_part(campaign['id'])}", campaign["rest"] or "")
    if setting in _PAGES:
        return "/buyers" if setting == "buyer_groups" else _PAGES[setting]
    name, _, field = setting.partition(".")
    if name == "company":
        return f"/settings/catalog{_anchor(field)}"
    thing = _THING.fullmatch(setting)
    if thing is not None and thing["list"] in _PAGES:
        named = f"edit?name={_part(thing['name'])}" if thing["list"] in _BY_QUERY else _part(thing["name"])
        return f"{_PAGES[thing['list']]}/{named}{_anchor(thing['field'])}"
    return f"{_SERVER}{_anchor(setting)}" if re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", setting) else None


def field_id(name: str) -> str:
    """The id that a field of a form has in its page: `caps.concurrency` is `caps-concurrency`, and so is every filter
    of `filters[0]` the field `filters`."""
    return re.sub(r"[^a-z0-9]+", "-", name.partition("[")[0].lower()).strip("-")


def _of_campaign(page: str, rest: str) -> str | None:
    if rest in PARTS:
        return f"{page}/{PARTS[rest]}"
    if rest.startswith("routing.buyers["):
        thing = _THING.fullmatch(rest.removeprefix("routing."))
        return f"{page}/routing/edit?name={quote(thing['name'], safe='')}{_anchor(thing['field'])}" if thing else None
    if rest.startswith("routing."):
        return f"{page}/routing{_anchor(rest.removeprefix('routing.'))}"
    thing = _THING.fullmatch(rest)
    if thing is not None and thing["list"] in PARTS:
        return f"{page}/{PARTS[thing['list']]}/edit?name={quote(thing['name'], safe='')}{_anchor(thing['field'])}"
    return f"{page}{_anchor(rest)}"


def _anchor(field: str | None) -> str:
    if not field:
        return ""
    field = _FIRST_OF.get(field, field)
    # What has free names (headers.X-Key) is one field.
    first = field.partition(".")[0]
    return f"#{field_id(first if first in {'headers', 'outputs', 'tags', 'body'} else field)}"


def _part(name: str) -> str:
    return quote(name, safe="")
