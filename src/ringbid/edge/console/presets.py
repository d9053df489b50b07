"""What the ping tester's form can be filled in with, and the tags that it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from ringbid.catalog.model import Filter
from ringbid.catalog.snapshot import KeyView
from ringbid.catalog.tokens import tokens_in
from ringbid.values.ids import RandomBytes

TAG = "tag."  # what the names of the form's tags begin with: a tag may be called like one of its own fields
_PLACES = {
    "CA": ("310", "90210"),
    "FL": ("305", "33101"),
    "NY": ("212", "10001"),
    "TX": ("713", "77002"),
}
_ALWAYS = ("caller_zip", "caller_state")
_OWN_FIELDS = ("publisher_id", "caller_number")
# What a filter or a webhook may name without a publisher sending it.
_FOUND_OUT = frozenset(
    {"publisher_id", "campaign_id", "call_uuid", "caller_number", "caller_city", "caller_country", "area_code", "geo"}
    | {"nanp_caller_number", "caller_number_digits", "inbound_number", "timestamp", "deadline_ms"}
)


@dataclass(frozen=True, slots=True)
class Preset:
    """A link above the form."""

    name: str
    words: str


PRESETS = (
    *(Preset(state, f"Caller in {state}") for state in _PLACES),
    Preset("night", "At 3 in the morning"),
    Preset("duplicate", "Duplicate"),
    Preset("nameless", "No caller number"),
)


@dataclass(frozen=True, slots=True)
class FormTag:
    """A tag that the form asks for. `hint` says what is known of it."""

    name: str
    hint: str


def tags_of_form(view: KeyView) -> tuple[FormTag, ...]:
    """The tags that matter to the key's campaign: where the caller is, what the company declares, and what filters and
    asks of the campaign name."""
    company, campaign = view.company, view.campaign
    routed = [company.buyers[one.buyer] for one in campaign.routing.buyers if one.buyer in company.buyers]
    filters: list[Filter] = [one for buyer in routed for one in (*buyer.filters, *buyer.forward_filters)]
    filters += [one for rule in campaign.conversions for one in rule.filters]
    answered = {name for webhook in campaign.webhooks for name, _ in webhook.outputs}
    asks = [webhook.url for webhook in campaign.webhooks if webhook.on == "passthrough"]
    tokens = [token for url in asks for token in tokens_in(url)]
    named = dict.fromkeys([*_ALWAYS, *company.tags, *(one.tag for one in filters), *tokens])
    return tuple(FormTag(name, _hint(view, name)) for name in named if name not in _FOUND_OUT and name not in answered)


def fill_again(sent: Iterable[tuple[str, str]], view: KeyView) -> dict[str, str]:
    """The form's fields for a ping that was `sent` under this key; tags that the form does not ask for stand below."""
    asked = {tag.name for tag in tags_of_form(view)}
    filled, more = {"key": str(view.key.id)}, []
    for name, value in sent:
        if name in _OWN_FIELDS:
            filled[name] = value
        elif name in asked and f"{TAG}{name}" not in filled:
            filled[f"{TAG}{name}"] = value
        else:
            more.append(f"{name}={value}")
    empty = dict.fromkeys(("caller_number", *(f"{TAG}{name}" for name in asked)), "")  # what the ping did not have
    return empty | filled | {"more": "\n".join(more)}


def fill(
    preset: str, view: KeyView, random_bytes: RandomBytes, chosen: Mapping[str, str], *, today: date
) -> dict[str, str]:
    """The form's fields for a preset (empty: a caller whom the campaign's buyers want), beside what was `chosen`
    already. `today` is the company's own."""
    publishers = view.company.catalog.publishers
    publisher = next((one.id for one in publishers if not one.paused), "")
    state = preset if preset in _PLACES else _wanted_state(view)
    area, zip_code = _PLACES[state]
    filled = {
        "publisher_id": str(chosen.get("publisher_id", publisher)),
        # 555-0100 to 555-0199 belong to nobody.
        "caller_number": f"+1{area}55501{int.from_bytes(random_bytes(2), 'big') % 100:02d}",
        f"{TAG}caller_zip": zip_code,
        f"{TAG}caller_state": state,
    }
    if preset == "night":
        filled["at"] = f"{today.isoformat()}T03:00"
    if preset == "duplicate":
        filled["repeated"] = "true"
    if preset == "nameless":
        filled["caller_number"] = ""
    return filled


def _wanted_state(view: KeyView) -> str:
    """A state that every buyer of the campaign takes callers from, as far as they list any; else the first."""
    routed = [
        view.company.buyers[one.buyer] for one in view.campaign.routing.buyers if one.buyer in view.company.buyers
    ]
    lists = [
        one.value if isinstance(one.value, tuple) else (one.value,)
        for buyer in routed
        for one in buyer.filters
        if one.tag == "caller_state" and one.operator == "in"
    ]
    return next((state for state in _PLACES if all(state in wanted for wanted in lists)), next(iter(_PLACES)))


def _hint(view: KeyView, name: str) -> str:
    declared = view.company.tags.get(name)
    if declared is None:
        return ""
    words = {"text": "text", "number": "a number", "boolean": "true or false", "date": "a date, such as 1960-12-31"}
    notes = [words.get(declared.type, declared.type)]
    if declared.required:
        notes.append("required")
    if declared.private:
        notes.append("private")
    return ", ".join(notes)
