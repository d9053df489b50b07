"""`/campaigns/new`: a campaign in five steps. What was written travels with the form, and is kept for whoever wrote it
until the last step puts it in force, so that a closed page loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect, Template

from ringbid.accounts.audit import author_of
from ringbid.accounts.drafts import LONGEST_LETTERS, Drafts, KeptDraft, Whose
from ringbid.accounts.policy import Policy
from ringbid.catalog.changing import Applied, Edition, Outcome
from ringbid.edge.console.campaigns import doubts
from ringbid.edge.console.catalog_pages import edition_of, read_form
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.new_keys import new_keys_page
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
    """The first step, or where the draft was left."""
    kept = await _drafts(request).read(_whose(request))
    if kept is None:
        return await _step_page(request, 0, {})
    return await _step_page(request, _step_of(kept.fields), _draft_of(kept.fields), kept=kept)


@post("/campaigns/new/draft", opt={"policy": Policy.MANAGE}, status_code=204)
async def keep_draft(request: WebRequest) -> None:
    """What stands in the fields now; asked by the page itself after each of them."""
    form = await read_form(request)
    await _keep(request, _step_of(form), _draft_of(form))


@post("/campaigns/new/afresh", opt={"policy": Policy.MANAGE}, status_code=303)
async def begin_afresh(request: WebRequest) -> Response[Any]:
    await _drafts(request).forget(_whose(request))
    return tell_next_page(Redirect("/campaigns/new", status_code=303), "The draft is gone. This is a new one.")


@post("/campaigns/new", opt={"policy": Policy.MANAGE}, status_code=200)
async def go_on(request: WebRequest) -> Response[Any]:
    """One step on, or back; after the last, the campaign."""
    form = await read_form(request)
    step, draft = _step_of(form), _draft_of(form)
    go = form.get("go", "next")
    if go == "more":
        return await _kept_step(request, 1, draft, more=True)
    if go.startswith("to "):
        wanted = go.removeprefix("to ")
        return await _kept_step(request, min(int(wanted), step) if wanted.isdecimal() else 0, draft)
    edition = await edition_of(request)
    wrong = wrong_with(step, draft, edition.catalog)
    if wrong:
        return await _kept_step(request, step, draft, errors=wrong)
    if step < _REVIEW:
        return await _kept_step(request, step + 1, draft)
    outcome = await _put(request, edition, draft, plan_only=False)
    if not isinstance(outcome, Applied):
        return await _kept_step(request, _REVIEW, draft)
    await _drafts(request).forget(_whose(request))
    made = campaign_id(draft)
    heading = f"{draft.get('name', '').strip()} is in force"
    return new_keys_page(request, outcome.new_keys, outcome.catalog, back=f"/campaigns/{made}", heading=heading)


def _step_of(form: Mapping[str, str]) -> int:
    text = form.get("step", "")
    return min(int(text), _REVIEW) if text.isdecimal() else 0


def _draft_of(form: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in form.items() if name not in _NOT_OF_DRAFT}


def _drafts(request: WebRequest) -> Drafts:
    drafts = office_of(request).drafts
    assert drafts is not None, "a server has a store"
    return drafts


def _whose(request: WebRequest) -> Whose:
    actor = actor_of(request)
    return Whose(actor.company_id, actor.user_id)


async def _keep(request: WebRequest, step: int, draft: Draft) -> None:
    fields = {**draft, "step": str(step)}
    if sum(len(name) + len(text) for name, text in fields.items()) <= LONGEST_LETTERS:
        await _drafts(request).keep(_whose(request), fields)


async def _kept_step(
    request: WebRequest,
    step: int,
    draft: Draft,
    *,
    errors: Mapping[str, str] | None = None,
    more: bool = False,
) -> Template:
    """`more`: with room for one more buyer."""
    await _keep(request, step, draft)
    return await _step_page(request, step, draft, errors=errors, more=more)


async def _put(request: WebRequest, edition: Edition, draft: Draft, *, plan_only: bool) -> Outcome:
    office, actor = office_of(request), actor_of(request)
    edits = edits_of_draft(draft, edition.catalog)
    return await office.editor.change(author_of(actor), actor.company_id, edition.version, edits, plan_only=plan_only)


async def _step_page(
    request: WebRequest,
    step: int,
    draft: Draft,
    *,
    errors: Mapping[str, str] | None = None,
    kept: KeptDraft | None = None,
    more: bool = False,
) -> Template:
    edition = await edition_of(request)
    review = await _review(request, edition, draft) if step == _REVIEW else {}
    rows = new_buyers(draft)
    free = next((f"b{at}_" for at in range(MOST_NEW_BUYERS) if f"b{at}_" not in rows), None)
    room = [free] if free is not None and (more or not rows) else []
    return page(
        request,
        "catalog/wizard.html",
        title="New campaign",
        status=422 if errors else 200,
        step=step,
        steps=STEPS,
        draft=draft,
        errors=errors or {},
        kept=kept,
        catalog=edition.catalog,
        presets=[(one.key, one.label) for one in PRESETS],
        preset=preset_of(draft),
        rows=[*rows, *room],
        chosen=any(draft.get(f"use_{buyer.id}") == "true" for buyer in edition.catalog.buyers),
        suggested_id=slug(draft.get("name", "")),
        pays_nothing=pays_nothing(draft),
        no_number=not draft.get("number", "").strip() and office_of(request).sip_domain is None,
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
        "doubts": doubts(request, campaign),
        "campaign": campaign,
        "rule_words": rule_words,
    }


HANDLERS = [begin, go_on, keep_draft, begin_afresh]
