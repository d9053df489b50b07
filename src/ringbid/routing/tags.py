"""What is known about a caller: tags, each with where it came from.

Built once for each ping from its parameters and the caller's number; a buyer's answer adds its own. Trust, from most to
least: the zip, the `geo` parameter, what the publisher sent as state, city or country, the area code. Less trusted
sources only fill blanks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ringbid.routing.geo import STATES, NumberPlace, place_of_area_code, place_of_number, place_of_zip, state_code
from ringbid.values.ids import CampaignId, PingId, PublisherId
from ringbid.values.phone import PhoneNumber, area_code

TagValue = str | tuple[str, ...]

# Parameters with a meaning of their own, which become no tags as they stand.
SPECIAL = frozenset({"key", "publisher_id", "source_id", "caller_number", "inbound_number"})
# Geography keeps its names whatever the key's prefix: filters everywhere rely on them.
UNPREFIXED = frozenset({"geo", "caller_zip", "caller_state", "caller_city", "caller_country"})
# Known from the ping itself: a parameter of the same name must not forge them.
_OWN = frozenset({"caller_number", "publisher_id", "campaign_id", "call_uuid", "area_code"})
_NEVER_SENT = SPECIAL | _OWN
_ZIP_LENGTH = 5


@dataclass(frozen=True, slots=True)
class Tags:
    """Values by key, and the source of each: `ping`, `zip`, `geo`, `number`, or the webhook that answered it."""

    values: Mapping[str, TagValue]
    sources: Mapping[str, str]

    def get(self, key: str) -> TagValue | None:
        return self.values.get(key)

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
) -> Tags:
    """All tags of a ping before anyone is asked."""
    if tag_prefix:
        parameters = {
            key if key in UNPREFIXED else tag_prefix + key: value
            for key, value in parameters.items()
            if key not in SPECIAL
        }
    values = {key: value for key, value in parameters.items() if value and key not in _NEVER_SENT}
    sent = _read_geo(values.pop("geo", ()))
    sources = dict.fromkeys(values, "ping")
    _add_geography(values, sources, sent)
    _fill_from_area_codes(values, sources, sent.area_code, caller_number)
    _set_geo(values, sources, sent.items)
    values["publisher_id"] = publisher_id
    values["campaign_id"] = campaign_id
    values["call_uuid"] = call_uuid
    sources["publisher_id"] = sources["campaign_id"] = sources["call_uuid"] = "ping"
    if caller_number is not None:
        values["caller_number"] = caller_number
        sources["caller_number"] = "ping"
    return Tags(values, sources)


class _SentGeo(NamedTuple):
    """The `geo` parameter, as it was sent, and what it says: the first of each kind."""

    items: tuple[str, ...]
    zip_code: str | None = None
    state: str | None = None
    country: str | None = None
    area_code: str | None = None


_NO_GEO = _SentGeo(())


def _read_geo(value: TagValue) -> _SentGeo:
    """`us`, `us-ca`, `us-90210`, `310`: repeated or joined by commas, in any letter case."""
    if not value:
        return _NO_GEO
    joined = value if isinstance(value, str) else ",".join(value)
    items = tuple(item for item in (part.strip().lower() for part in joined.split(",")) if item)
    zip_code = state = country = area_code = None
    for item in items:
        place, _, rest = item.partition("-")
        if len(item) == 3 and _is_digits(item):
            area_code = area_code or item
        elif len(place) == 2 and place.isascii() and place.isalpha():
            country = country or place.upper()
            if place == "us" and len(rest) == _ZIP_LENGTH and _is_digits(rest):
                zip_code = zip_code or rest
            elif place == "us" and rest.upper() in STATES:
                state = state or rest.upper()
    return _SentGeo(items, zip_code, state, "US" if state else country, area_code)


def _add_geography(values: dict[str, TagValue], sources: dict[str, str], sent: _SentGeo) -> None:
    """Zip, state, city and country from what was sent, most trusted source first."""
    zip_code = _one(values.get("caller_zip"))
    if zip_code is None and sent.zip_code is not None:
        zip_code = values["caller_zip"] = sent.zip_code
        sources["caller_zip"] = "geo"
    place = place_of_zip(zip_code) if zip_code is not None else None
    if place is not None:
        values["caller_state"], values["caller_city"] = place
        values["caller_country"] = "US"
        sources["caller_state"] = sources["caller_city"] = sources["caller_country"] = "zip"
        return
    state = _one(values.get("caller_state"))
    if sent.state is not None:
        values["caller_state"], sources["caller_state"] = sent.state, "geo"
    elif state is not None:
        values["caller_state"] = state_code(state)
    country = _one(values.get("caller_country"))
    if sent.country is not None:
        values["caller_country"], sources["caller_country"] = sent.country, "geo"
    elif country is not None:
        values["caller_country"] = country.upper()


def _fill_from_area_codes(
    values: dict[str, TagValue], sources: dict[str, str], sent_area: str | None, number: PhoneNumber | None
) -> None:
    """The area code that `geo` names, then the number's: each fills what is still blank of area code, country, state.

    A state is only filled beside its own country.
    """
    found: list[tuple[str, str | None, NumberPlace]] = []
    if sent_area is not None:
        found.append(("geo", sent_area, place_of_area_code(sent_area)))
    if number is not None:
        found.append(("number", area_code(number), place_of_number(number)))
    for source, area, (country, state) in found:
        if area is not None and "area_code" not in values:
            values["area_code"], sources["area_code"] = area, source
        if country is not None and "caller_country" not in values:
            values["caller_country"], sources["caller_country"] = country, source
        if state is not None and "caller_state" not in values and values["caller_country"] == country:
            values["caller_state"], sources["caller_state"] = state, source


def _set_geo(values: dict[str, TagValue], sources: dict[str, str], sent: tuple[str, ...]) -> None:
    """The multi-valued `geo`: what was sent, then what is known, without repeats: `us`, `us-ca`, `us-90210`, `310`.

    Its source is `geo` where it was sent, else that of the most trusted part.
    """
    known: dict[str, str] = {}
    country = _one(values.get("caller_country"))
    if country is not None:
        lowered = country.lower()
        known[lowered] = sources["caller_country"]
        state = _one(values.get("caller_state"))
        if state is not None:
            known[f"{lowered}-{state.lower()}"] = sources["caller_state"]
    zip_code = _one(values.get("caller_zip"))
    if zip_code is not None and _is_digits(zip_code[:_ZIP_LENGTH]):
        known[f"us-{zip_code[:_ZIP_LENGTH]}"] = sources["caller_zip"]
    area = values.get("area_code")
    if isinstance(area, str):
        known[area] = sources["area_code"]
    if sent or known:
        values["geo"] = tuple(dict.fromkeys((*sent, *known)))
        sources["geo"] = "geo" if sent else next(iter(known.values()))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _one(value: TagValue | None) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return value[0] or None if value else None
