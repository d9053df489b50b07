"""The picture of a ping: routing order, margins, tags by role, and the command that sends it again."""

from __future__ import annotations

from dataclasses import replace

from ringbid.accounts.actor import Role
from ringbid.catalog.model import Buyer, Catalog, Company, TagDeclaration
from ringbid.catalog.snapshot import CompanyView, build_snapshot
from ringbid.edge.console.filters import code_ticks
from ringbid.edge.console.waterfall import MASKED, Picture, fields_of, picture_of
from ringbid.reports.explain import explain
from ringbid.reservations.trace import TracedTag
from ringbid.values.ids import BuyerId, CompanyId
from ringbid.values.money import Money
from support.stored_pings import make_ping, make_trace
from support.web import OWNER

COMPANY = CompanyId("acme")
TAGS = {
    "age": TracedTag("44", "ping"),
    "consent": TracedTag("secret-1234", "ping"),
    "caller_state": TracedTag("CA", "zip"),
    "score": TracedTag("9", "charlie bid"),
}


def company() -> CompanyView:
    catalog = Catalog(
        company=Company(id=COMPANY, name="Acme"),
        tags=(TagDeclaration(key="consent", private=True),),
        buyers=(Buyer(id=BuyerId("charlie"), name="Charlie Bids", number="+12025550190", time_zone="UTC"),),
    )
    return build_snapshot(1, [catalog]).companies[COMPANY]


def picture(role: Role = Role.OWNER) -> Picture:
    told = explain(make_ping(trace=make_trace(tags=TAGS)))
    return picture_of(told, company=company(), actor=replace(OWNER, role=role), base_url="https://ring.example")


def test_buyers_stand_by_priority_level_with_their_names_and_asks() -> None:
    shown = picture()
    assert [(level.priority, len(level.falls)) for level in shown.levels] == [(1, 5), (2, 1)]
    assert shown.winner is not None
    assert (shown.winner.name, [ask.webhook for ask in shown.winner.asks]) == ("Charlie Bids", ["charlie bid"])


def test_the_margin_is_what_is_left_of_the_revenue() -> None:
    winner = picture().winner
    assert winner is not None
    assert winner.margin == Money(2_500_000, "USD")


def test_every_tag_says_where_it_came_from() -> None:
    assert [(tag.name, tag.source) for tag in picture().tags] == [
        ("age", "sent with the ping"),
        ("consent", "sent with the ping"),
        ("caller_state", "from the zip code"),
        ("score", "answered by the webhook charlie bid"),
    ]


def test_what_no_publisher_sends_is_not_said_to_be_sent() -> None:
    names = ("publisher_id", "caller_number", "campaign_id", "call_uuid")
    told = explain(make_ping(trace=make_trace(tags={name: TracedTag("x", "ping") for name in names})))
    shown = picture_of(told, company=company(), actor=OWNER, base_url="")
    sources = ["sent with the ping", "sent with the ping", "added by Ringbid", "added by Ringbid"]
    assert [tag.source for tag in shown.tags] == sources


def test_who_only_reads_sees_no_private_tag_anywhere() -> None:
    for role, hidden in ((Role.OWNER, False), (Role.MANAGER, False), (Role.ANALYST, True)):
        shown = picture(role)
        values = {tag.name: tag.value for tag in shown.tags}
        assert (values["consent"] == MASKED, "secret-1234" not in shown.curl) == (hidden, hidden)


def test_a_private_value_is_masked_in_asks_too() -> None:
    trace = make_trace(tags={"consent": TracedTag("+12125550123", "ping")})
    told = explain(make_ping(trace=trace))
    shown = picture_of(told, company=company(), actor=replace(OWNER, role=Role.ANALYST), base_url="")
    assert shown.winner is not None
    assert "+12125550123" not in shown.winner.asks[0].request


def test_the_command_sends_what_was_sent_and_not_what_was_found_out() -> None:
    assert picture().curl.split(" \\\n") == [
        "curl https://ring.example/rtbs.json",
        "  --data-urlencode key=YOUR_RTB_KEY",
        "  --data-urlencode publisher_id=4321ABCD",
        "  --data-urlencode caller_number=+12125550123",
        "  --data-urlencode age=44",
        "  --data-urlencode consent=secret-1234",
    ]


def test_what_is_sent_again_has_the_names_that_the_publisher_sent_and_nothing_of_ours() -> None:
    names = ("lead_age", "caller_zip", "campaign_id", "call_uuid", "publisher_id", "caller_number")
    told = explain(make_ping(trace=make_trace(tags={name: TracedTag("x", "ping") for name in names})))
    sent = fields_of(told, {"lead_age"}, tag_prefix="lead_")
    assert sent[2:] == [("age", MASKED), ("caller_zip", "x")]
    assert [name for name, _ in sent[:2]] == ["publisher_id", "caller_number"]


def test_code_in_our_own_texts_is_marked_and_everything_else_is_text() -> None:
    assert code_ticks("Set `a<b` & go") == "Set <code>a&lt;b</code> &amp; go"
