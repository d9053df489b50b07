"""`/campaigns/new`: a campaign in five steps. What was written travels with the form; the last puts it in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.response import Template

from ringbid.accounts.audit import author_of
from ringbid.accounts.policy import Policy
from ringbid.catalog.changing import Applied, Edition, Outcome
from ringbid.edge.console.campaigns import doubts
from ringbid.edge.console.catalog_pages import Place, edition_of, read_form
from ringbid.edge.console.pages import page
from ringbid.edge.console.wizard_draft import (
    MOST_NEW_BUYERS,
    PRESETS,
    STEPS,
    Draft,
    campaign_id,
    edits_of_draft,
    new_buyers,
    pays_nothing,
    preset_of,
    slug,
    wrong_with,
)
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.routing_words import routing_levels, routing_sentence, rule_words

_REVIEW = len(STEPS) - 1
_NOT_OF_DRAFT = {"step", "go", "csrf"}


@get("/campaigns/new", opt={"policy": Policy.MANAGE})
async def begin(request: WebRequest) -> Template:
    return await _step_page(request, 0, {})


@post("/campaigns/new", opt={"policy": Policy.MANAGE}, status_code=200)
async def go_on(request: WebRequest) -> Response[Any]:
    """One step on, or back; after the last, the campaign."""
    form = await read_form(request)
    step = int(form["step"]) if form.get("step", "").isdecimal() else 0
    step = min(step, _REVIEW)
    draft = {name: text for name, text in form.items() if name not in _NOT_OF_DRAFT}
    go = form.get("go", "next")
    if go.startswith("to "):
        wanted = go.removeprefix("to ")
        return await _step_page(request, min(int(wanted), step) if wanted.isdecimal() else 0, draft)
    edition = await edition_of(request)
    wrong = wrong_with(step, draft, edition.catalog)
    if wrong:
        return await _step_page(request, step, draft, errors=wrong)
    if step < _REVIEW:
        return await _step_page(request, step + 1, draft)
    outcome = await _put(request, edition, draft, plan_only=False)
    if not isinstance(outcome, Applied):
        return await _step_page(request, _REVIEW, draft)
    place = Place(kind="campaigns", path="campaigns", heading="", back=f"/campaigns/{campaign_id(draft)}")
    return page(
        request,
        "catalog/new_key.html",
        title="Your new key",
        keys=outcome.new_keys,
        place=place,
        catalog=outcome.catalog,
    )


async def _put(request: WebRequest, edition: Edition, draft: Draft, *, plan_only: bool) -> Outcome:
    office, actor = office_of(request), actor_of(request)
    edits = edits_of_draft(draft, edition.catalog)
    return await office.editor.change(author_of(actor), actor.company_id, edition.version, edits, plan_only=plan_only)


async def _step_page(
    request: WebRequest, step: int, draft: Draft, *, errors: Mapping[str, str] | None = None
) -> Template:
    edition = await edition_of(request)
    review = await _review(request, edition, draft) if step == _REVIEW else {}
    rows = new_buyers(draft)
    free = next((f"b{at}_" for at in range(MOST_NEW_BUYERS) if f"b{at}_" not in rows), None)
    return page(
        request,
        "catalog/wizard.html",
        title="New campaign",
        status=422 if errors else 200,
        step=step,
        steps=STEPS,
        draft=draft,
        errors=errors or {},
        catalog=edition.catalog,
        presets=[(one.key, one.label) for one in PRESETS],
        preset=preset_of(draft),
        rows=[*rows, *([free] if free else [])],
        suggested_id=slug(draft.get("name", "")),
        pays_nothing=pays_nothing(draft),
        **review,
    )


async def _review(request: WebRequest, edition: Edition, draft: Draft) -> dict[str, Any]:
    """What the campaign would be, or what is wrong with it."""
    outcome = await _put(request, edition, draft, plan_only=True)
    if not isinstance(outcome, Applied):
        problems = getattr(outcome, "problems", ("Somebody else changed the catalog at this moment: try again.",))
        return {"problems": problems}
    campaign = next(one for one in outcome.catalog.campaigns if one.id == campaign_id(draft))
    return {
        "problems": (),
        "sentence": routing_sentence(outcome.catalog, campaign),
        "levels": routing_levels(outcome.catalog, campaign),
        "doubts": doubts(request, campaign, outcome.catalog),
        "campaign": campaign,
        "rule_words": rule_words,
    }


HANDLERS = [begin, go_on]
