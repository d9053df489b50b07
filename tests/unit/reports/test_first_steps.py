"""The first steps of a company: what is done is told, and nothing is once all is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ringbid.accounts.posting_links import Progress
from ringbid.reports.first_steps import first_steps
from support.catalogs import ACME

PINGED = datetime(2026, 3, 4, tzinfo=UTC)


def test_a_new_company_makes_its_campaign_first() -> None:
    steps = first_steps(replace(ACME, campaigns=()), Progress())
    assert [step.done for step in steps] == [False, False, False]
    assert [step.path for step in steps] == ["/campaigns/new", "/campaigns/new", "/live"]


def test_a_campaign_leads_to_its_posting_links() -> None:
    steps = first_steps(ACME, Progress())
    assert [step.done for step in steps] == [True, False, False]
    assert steps[1].path == f"/campaigns/{ACME.campaigns[-1].id}/posting"
    assert [step.done for step in first_steps(ACME, Progress(links=1))] == [True, True, False]


def test_when_the_first_ping_has_come_there_are_no_steps() -> None:
    assert first_steps(ACME, Progress(links=2, first_ping_at=PINGED)) == ()
