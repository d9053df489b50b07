"""What somebody has written in the campaign wizard so far, and the edits of the catalog that it means. Pure.

The draft is the forms' own fields, which travel from step to step; nothing of it is in force before the last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ringbid.catalog.editing import Add, Edit, Set
from ringbid.catalog.model import Catalog
from ringbid.edge.console import catalog_texts as texts
from ringbid.routing.geo import country_of_state, state_code

Draft = Mapping[str, str]
MOST_NEW_BUYERS = 6
STEPS = ("Name", "Buyers", "Filters", "Publishers and payout", "Review")
_BETWEEN_STATES = re.compile(r"[,;\n]")


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of call: how long it usually must last, and what is usually known of the caller."""

    key: str
    label: str
    seconds: int
    tags: tuple[tuple[str, str], ...] = ()


PRESETS = (
    Preset("other", "Something else", 90),
    Preset("medicare", "Medicare", 120, (("age", "number"),)),
    Preset("aca", "Health insurance (ACA)", 90, (("age", "number"), ("household_size", "number"))),
    Preset("auto", "Auto insurance", 90, (("insured", "boolean"),)),
    Preset("home", "Home services", 60, (("homeowner", "boolean"),)),
    Preset("legal", "Legal", 120),
    Preset("debt", "Debt relief", 90, (("debt_amount", "number"),)),
)


def preset_of(draft: Draft) -> Preset:
    return next((one for one in PRESETS if one.key == draft.get("preset")), PRESETS[0])


def new_buyers(draft: Draft) -> list[str]:
    """The prefixes of the rows in which a buyer was written: `b0_`, `b1_`, …"""
    rows = [f"b{index}_" for index in range(MOST_NEW_BUYERS)]
    return [row for row in rows if draft.get(f"{row}name", "").strip() or draft.get(f"{row}number", "").strip()]


def slug(text: str) -> str:
    """An id made of a name: letters and digits, with dashes between words."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48]


def campaign_id(draft: Draft) -> str:
    return draft.get("id", "").strip() or slug(draft.get("name", ""))


def pays_nothing(draft: Draft) -> bool:
    """Is the payout nothing, or not written at all?"""
    text = draft.get("payout", "").strip().rstrip("%")
    return not text or (not isinstance(texts.number_of(text), str) and texts.number_of(text) == 0)


def wrong_with(step: int, draft: Draft, catalog: Catalog) -> dict[str, str]:
    """What must be mended before the next step, by field."""
    wrong: dict[str, str] = {}
    if step == 0:
        if not draft.get("name", "").strip():
            wrong["name"] = "Give the campaign a name."
        elif campaign_id(draft) in {campaign.id for campaign in catalog.campaigns}:
            wrong["id"] = f"There is a campaign {campaign_id(draft)} already. Choose another id."
    if step == 1:
        wrong |= _wrong_buyers(draft, catalog)
    if step == 2:
        wrong |= _wrong_states(draft)
    if step == 3:
        if not (draft.get("p_name", "").strip() or _chosen(draft, "pay_", [one.id for one in catalog.publishers])):
            wrong["p_name"] = "Pings need somebody who sends them: choose a publisher, or write a new one."
        if pays_nothing(draft) and draft.get("zero_ok") != "true":
            wrong["payout"] = "The payout is 0: publishers would be paid nothing. Write a payout, or tick below."
    return wrong


def _wrong_buyers(draft: Draft, catalog: Catalog) -> dict[str, str]:
    """No buyer, or buyers of whom nobody knows what they pay."""
    chosen = _chosen(draft, "use_", [buyer.id for buyer in catalog.buyers])
    rows = new_buyers(draft)
    if not (chosen or rows):
        return {"b0_name": "Calls need somebody who takes them: choose a buyer, or write a new one."}
    fields = [f"price_{buyer_id}" for buyer_id in chosen]
    fields += [f"{row}price" for row in rows if not draft.get(f"{row}ask", "").strip()]
    text = "Write what this buyer pays for a call, or where it is asked for a bid. 0 is an answer, too."
    return {field: text for field in fields if not draft.get(field, "").strip()}


def _wrong_states(draft: Draft) -> dict[str, str]:
    """A filter for a state that does not exist would pass nobody, and say so only ping by ping."""
    unknown = [one for one in _states(draft) if country_of_state(one) is None]
    if not unknown:
        return {}
    text = f"No state or province of the US or Canada: {', '.join(unknown)}. Write NY or New York, with commas between."
    return {"states": text}


def _states(draft: Draft) -> list[str]:
    """The states as codes, whether written so or by name; what is neither, as it was written."""
    states: list[str] = []
    for part in _BETWEEN_STATES.split(draft.get("states", "")):
        whole, words = state_code(part), [state_code(word) for word in part.split()]
        only_codes = all(country_of_state(word) is not None for word in words)  # NY NJ, without commas
        states += words if only_codes and country_of_state(whole) is None else [whole]
    return list(dict.fromkeys(states))


def edits_of_draft(draft: Draft, catalog: Catalog) -> list[Edit]:
    """Everything that the draft adds to the catalog."""
    edits: list[Edit] = []
    declared = {tag.key for tag in catalog.tags}
    required = [str(word) for word in texts.read_words(draft.get("required", ""))]
    for key, kind in preset_of(draft).tags:
        if key not in declared:
            edits.append(Add("tags", {"key": key, "type": kind, **({"required": True} if key in required else {})}))
    preset_keys = {key for key, _ in preset_of(draft).tags} - declared
    for key in required:
        if key in declared:
            edits.append(Set(f"tags[{key}].required", True))
        elif key not in preset_keys:
            edits.append(Add("tags", {"key": key, "required": True}))
    types = {tag.key: tag.type for tag in catalog.tags} | dict(preset_of(draft).tags)
    filters = _filters(draft, types)
    buyers = [(row, _unused(slug(draft[f"{row}name"]), catalog, row)) for row in new_buyers(draft)]
    edits += [Add("buyers", _buyer(draft, row, buyer_id, filters)) for row, buyer_id in buyers]
    publishers = _chosen(draft, "pay_", [one.id for one in catalog.publishers])
    if draft.get("p_name", "").strip():
        publisher_id = draft.get("p_id", "").strip() or slug(draft["p_name"])
        edits.append(Add("publishers", {"id": publisher_id, "name": draft["p_name"].strip()}))
        publishers.append(publisher_id)
    edits.append(Add("campaigns", _campaign(draft, catalog, buyers, publishers)))
    return edits


def _campaign(
    draft: Draft, catalog: Catalog, buyers: list[tuple[str, str]], publishers: list[str]
) -> dict[str, object]:
    chosen = _chosen(draft, "use_", [buyer.id for buyer in catalog.buyers])
    asked = [(row, buyer_id) for row, buyer_id in buyers if draft.get(f"{row}ask", "").strip()]
    campaign: dict[str, object] = {
        "id": campaign_id(draft),
        "name": draft.get("name", "").strip(),
        "rtb_keys": [{"name": "Default"}],
        "routing": {
            "strategy": "bid",
            "buyers": [{"buyer": buyer_id} for buyer_id in (*chosen, *(buyer_id for _, buyer_id in buyers))],
        },
        "conversions": [
            *(_rule(draft, buyer_id, _price(draft, row, buyer_id), publishers) for row, buyer_id in buyers),
            *(_rule(draft, buyer_id, draft.get(f"price_{buyer_id}", ""), publishers) for buyer_id in chosen),
        ],
    }
    if draft.get("number", "").strip():
        campaign["numbers"] = [{"number": draft["number"].strip()}]
    if asked:
        campaign["webhooks"] = [_ask(draft, row, buyer_id) for row, buyer_id in asked]
    return campaign


def _buyer(draft: Draft, row: str, buyer_id: str, filters: object) -> dict[str, object]:
    buyer: dict[str, object] = {
        "id": buyer_id,
        "name": draft.get(f"{row}name", "").strip() or buyer_id,
        "number": draft.get(f"{row}number", "").strip() or None,
    }
    hours = texts.read_hours(draft.get(f"{row}hours", "").replace(";", "\n"))
    if hours:
        buyer["hours"] = hours
    at_once = draft.get(f"{row}at_once", "").strip()
    if at_once:
        buyer["caps"] = {"concurrency": texts.number_of(at_once)}
    if filters:
        buyer["filters"] = filters
    return buyer


def _rule(draft: Draft, buyer_id: str, price: object, publishers: list[str]) -> dict[str, object]:
    seconds = draft.get("seconds", "").strip()
    rule: dict[str, object] = {
        "name": f"{buyer_id} pays",
        "buyer": buyer_id,
        "publishers": publishers,
        "seconds": texts.number_of(seconds) if seconds else preset_of(draft).seconds,
        "payout": texts.number_of(draft.get("payout", "").strip() or "0"),
    }
    return rule | ({"revenue": texts.number_of(price)} if isinstance(price, str) and price.strip() else {})


def _price(draft: Draft, row: str, buyer_id: str) -> str:
    return f"[{_bid_tag(buyer_id)}]" if draft.get(f"{row}ask", "").strip() else draft.get(f"{row}price", "")


def _ask(draft: Draft, row: str, buyer_id: str) -> dict[str, object]:
    return {
        "name": f"ask {buyer_id}",
        "on": "passthrough",
        "buyer": buyer_id,
        "url": draft[f"{row}ask"].strip(),
        "body": {"caller_number": "[caller_number]", "zip": "[caller_zip]", "state": "[caller_state]"},
        "outputs": {_bid_tag(buyer_id): draft.get(f"{row}bid", "").strip() or "bid"},
    }


def _bid_tag(buyer_id: str) -> str:
    return f"{buyer_id}_bid"


def _filters(draft: Draft, types: Mapping[str, object]) -> list[object]:
    states = _states(draft)
    listed: list[object] = [{"tag": "caller_state", "operator": "in", "value": states}] if states else []
    more = texts.read_filters(draft.get("filters", ""), types)  # type: ignore[arg-type]  # -- presets' types are the model's
    assert isinstance(more, list), "a list of lines"
    return listed + more


def _chosen(draft: Draft, prefix: str, ids: list[str]) -> list[str]:
    return [one for one in ids if draft.get(f"{prefix}{one}") == "true"]


def _unused(wanted: str, catalog: Catalog, row: str) -> str:
    """The id, with a number where a buyer has it already."""
    taken = {buyer.id for buyer in catalog.buyers}
    wanted = wanted or f"buyer-{int(row[1:-1]) + 1}"
    return wanted if wanted not in taken else f"{wanted}-{row[1:-1]}"
