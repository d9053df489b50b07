"""What a company does first: a campaign, a posting link, the first ping. Pure; the overview shows it until then."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from ringbid.accounts.posting_links import Progress
from ringbid.catalog.model import Catalog


@dataclass(frozen=True, slots=True)
class FirstStep:
    """`path` is the page where it is done, `action` what its link says."""

    name: str
    text: str
    action: str
    path: str
    done: bool


def first_steps(catalog: Catalog, progress: Progress) -> tuple[FirstStep, ...]:
    """The steps in their order; none once all are done."""
    campaigns = catalog.campaigns
    posting = f"/campaigns/{quote(campaigns[-1].id, safe='')}/posting" if campaigns else "/campaigns/new"
    steps = (
        FirstStep(
            "Make a campaign",
            "Who takes the calls, on what terms, and what their publishers are paid. The wizard asks five things.",
            "Make one with the wizard",
            "/campaigns/new",
            bool(campaigns),
        ),
        FirstStep(
            "Give a publisher its posting link",
            "A page without sign-in: the address to ping, programs to copy, and every answer.",
            "Make a posting link",
            posting,
            progress.links > 0,
        ),
        FirstStep(
            "See its first ping arrive",
            "Here and on the posting page. Each ping has a page that says why it ended as it did.",
            "Watch pings live",
            "/live",
            progress.first_ping_at is not None,
        ),
    )
    return () if all(step.done for step in steps) else steps
