"""What is known about a caller: tags, each with where it came from.

Built once for each ping from its parameters and the caller's number; a buyer's answer adds its own. Of state, city and
country a known zip is trusted most, then what the publisher sent under that very name, then its `geo`, then the number:
each source only fills what those before it left blank, but a known zip also corrects what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ringbid.routing import geo
from ringbid.values.ids import CampaignId, PingId, PublisherId
from ringbid.values.phone import PhoneNumber, area_code

TagValue = str | tuple[str, ...]

# Parameters with a meaning of their own, which become no tags as they stand.
SPECIAL = frozenset({"key", "publisher_id", "source_id", "caller_number", "inbound_number"})
# Geography keeps its names whatever the key's prefix: filters everywhere rely on them.
UNPREFIXED = frozenset({"geo", "caller_zip", "caller_state", "caller_city", "caller_country", "area_code"})
# Known from the ping itself: a parameter of the same name must not forge them.
OWN = frozenset({"caller_number", "publisher_id", "campaign_id", "call_uuid"})


@dataclass(frozen=True, slots=True)
class Tags:
    """Values by key, and the source of each: `ping`, `zip`, `geo`, `number`, or the webhook that answered it. Of a call
    besides: `call`, `inbound number`, `network`, `written`."""

    values: Mapping[str, TagValue]
    sources: Mapping[str, str]

    def get(self, key: str) -> TagValue | None:
        return self.values.get(key)

    def without(self, names: frozenset[str]) -> Tags:
        """These tags but those of `names`."""
        if names.isdisjoint(self.values):
            return self
        values = {name: value for name, value in self.values.items() if name not in names}
        return Tags(values, {name: self.sources[name] for name in values})

    def with_outputs(self, outputs: Mapping[str, str], source: str) -> Tags:
        """These tags and what an answer filled; the answer wins over an equal key."""
        if not outputs:
            return self
        return Tags({**self.values, **outputs}, {**self.sources, **dict.fromkeys(outputs, source)})


def tags_of_ping(
    *,
    parameters: Mapping[str, TagValue],
    caller_number: PhoneNumber | None,
    publisher_id: PublisherId,
    campaign_id: CampaignId,
    tag_prefix: str,
    call_uuid: PingId,
    source: str = "ping",
) -> Tags:
    """All tags of a ping before anyone is asked. A parameter that is empty is a tag that is missing. `source`: who told
    the parameters."""
    values: dict[str, TagValue] = {}
    for key, value in parameters.items():
        if value and key not in SPECIAL:
            name = tag_prefix + key if tag_prefix and key not in UNPREFIXED else key
            if name not in OWN:
                values[name] = value
    sent_geo = values.pop("geo", None)
    values["publisher_id"] = publisher_id
    values["campaign_id"] = campaign_id
    values["call_uuid"] = call_uuid
    if caller_number is not None:
        values["caller_number"] = caller_number
    sources = dict.fromkeys(values, source)
    items = _geo_items(sent_geo) if sent_geo else ()
    _locate(values, sources, sent_geo=items, number=caller_number)
    _set_geo(values, sources, sent=items)
    return Tags(values, sources)


def parameter_of(tag: str, *, tag_prefix: str) -> str:
    """The name of the parameter that becomes this tag under a key with `tag_prefix`."""
    return tag if tag in UNPREFIXED else tag.removeprefix(tag_prefix)


def _locate(
    values: dict[str, TagValue], sources: dict[str, str], *, sent_geo: tuple[str, ...], number: PhoneNumber | None
) -> None:
    """Zip, state, city, country and area code, most trusted source first."""
    for key, read in SENT_PLACE.items():
        if key in values:
            values[key] = read(_first(values[key]))
            if not values[key]:
                del values[key]
    hints = _hints(sent_geo) if sent_geo else {}
    for key in ("caller_zip", "area_code"):
        if key in hints and key not in values:
            values[key], sources[key] = hints[key], "geo"
    zip_code = values.get("caller_zip")
    five = geo.five_digits(_first(zip_code)) if zip_code else None
    place = geo.place_of_zip(five) if five is not None else None
    if place is not None:
        values["caller_state"], values["caller_city"], values["caller_country"] = place.state, place.city, "US"
        sources["caller_state"] = sources["caller_city"] = sources["caller_country"] = "zip"
    if hints:
        country, state = hints.get("caller_country"), hints.get("caller_state")
        _fill_place(values, sources, country=country, state=state, source="geo")
    if number is None or number[:2] == "+1":
        _fill_country_of_state(values, sources)
    if number is not None:
        area = area_code(number)
        if area is not None and "area_code" not in values:
            values["area_code"], sources["area_code"] = area, "number"
        country, state = geo.place_of_number(number)
        _fill_place(values, sources, country=country, state=state, source="number")


def _fill_place(
    values: dict[str, TagValue], sources: dict[str, str], *, country: str | None, state: str | None, source: str
) -> None:
    """Country and state where they are blank. A source of one country says nothing of the state in another."""
    if country is not None and "caller_country" not in values:
        values["caller_country"], sources["caller_country"] = country, source
    if state is not None and "caller_state" not in values and values["caller_country"] == country:
        values["caller_state"], sources["caller_state"] = state, source


def _fill_country_of_state(values: dict[str, TagValue], sources: dict[str, str]) -> None:
    """In North America a state's code tells the country, and better than the area code that a caller took along."""
    if "caller_state" in values and "caller_country" not in values:
        country = geo.country_of_state(_first(values["caller_state"]))
        if country is not None:
            values["caller_country"], sources["caller_country"] = country, sources["caller_state"]


def _set_geo(values: dict[str, TagValue], sources: dict[str, str], *, sent: tuple[str, ...]) -> None:
    """The multi-valued `geo`: what was sent, then what is known, without repeats: `us`, `us-ca`, `us-90210`, `310`."""
    items = dict.fromkeys(sent)
    source = "geo" if sent else None
    country = _first(values.get("caller_country", ""))
    if geo.is_code(country):
        lowered = country.lower()
        items[lowered] = None
        state = _first(values.get("caller_state", ""))
        if geo.is_code(state):
            items[f"{lowered}-{state.lower()}"] = None
        source = source or sources.get("caller_state", sources["caller_country"])
    zip_code = values.get("caller_zip")
    five = geo.five_digits(_first(zip_code)) if zip_code else None
    if five is not None:
        items[f"us-{five}"] = None
        source = source or sources["caller_zip"]
    area = values.get("area_code")
    if area:
        items[_first(area)] = None
        source = source or sources["area_code"]
    if source is not None:
        values["geo"], sources["geo"] = tuple(items), source


# Parameters that say where the caller is, and how each is read; filters read their values alike.
SENT_PLACE: Mapping[str, Callable[[str], str]] = {
    "caller_zip": geo.zip_code,
    "caller_state": geo.state_code,
    "caller_country": geo.country_code,
}


def _geo_items(value: TagValue) -> tuple[str, ...]:
    """What was sent as `geo`, whether repeated or joined by commas, in small letters."""
    joined = value if isinstance(value, str) else ",".join(value)
    return tuple(item for item in (part.strip().lower() for part in joined.split(",")) if item)


def _hints(sent_geo: tuple[str, ...]) -> dict[str, str]:
    """What the items of `geo` say under the names of single tags: the first of each kind counts."""
    hints: dict[str, str] = {}
    for item in sent_geo:
        country, _, rest = item.partition("-")
        if not rest and len(item) == 3 and item.isascii() and item.isdigit():
            hints.setdefault("area_code", item)
        elif geo.is_code(country):
            hints.setdefault("caller_country", country.upper())
            if hints["caller_country"] != country.upper():
                continue  # a state of another country than the one that was named first
            if geo.is_code(rest):
                hints.setdefault("caller_state", rest.upper())
            elif country == "us" and (five := geo.five_digits(rest)) is not None:
                hints.setdefault("caller_zip", five)
    return hints


def _first(value: TagValue) -> str:
    """The value of a tag that should have one: the first where a parameter was repeated."""
    return value if isinstance(value, str) else value[0]
