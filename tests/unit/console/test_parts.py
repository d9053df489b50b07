"""What templates are given: addresses that keep their state, shapes, the rail by role, the line for the next page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringbid.accounts.actor import Actor, Role
from ringbid.edge.console.drawing import share, sparkline_points
from ringbid.edge.console.filters import offset
from ringbid.edge.console.links import aria_sort, local_path, sorted_by, with_query
from ringbid.edge.console.navigation import PLACES, place_of, places_for
from support.web import OWNER

EVERY_PATH = frozenset(place.path for place in PLACES)


def test_a_changed_parameter_stays_where_it_stood_and_others_are_kept() -> None:
    assert with_query("/pings?a=1&size=25&b=2", size=50) == "/pings?a=1&size=50&b=2"


def test_none_takes_a_parameter_away_and_a_list_stands_several_times() -> None:
    assert with_query("/pings?cursor=x&state=CA", cursor=None, state=["NY", "TX"]) == "/pings?state=NY&state=TX"


def test_a_column_is_sorted_from_the_highest_down_and_then_the_other_way() -> None:
    down = sorted_by("/pings?cursor=x", "payout", "")
    assert (down, sorted_by("/pings?sort=-payout", "payout", "-payout")) == (
        "/pings?sort=-payout",
        "/pings?sort=payout",
    )
    assert (aria_sort("payout", "-payout"), aria_sort("payout", "time")) == ("descending", None)


@pytest.mark.parametrize("text", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb", ""])
def test_nobody_is_led_to_another_host(text: str) -> None:
    assert local_path(text, otherwise="/home") == "/home"


def test_a_path_of_ours_is_kept_with_its_query() -> None:
    assert local_path("/pings?status=reserved") == "/pings?status=reserved"


def test_a_sparkline_spans_its_width_and_leaves_gaps_out() -> None:
    assert sparkline_points([0, None, 10], width=100, height=30) == "0,30 100,0"


def test_something_small_is_never_drawn_as_nothing() -> None:
    assert (share(0.001, 5000), share(0, 5000), share(9999, 5000)) == (1, 0, 1000)


def test_a_moment_before_the_call_is_told_as_one() -> None:
    assert [offset(ms) for ms in (0, 99_100, -300)] == ["+0:00.0", "+1:39.1", "-0:00.3"]


@pytest.mark.parametrize(
    ("role", "first", "without"),
    [
        (Role.OWNER, "/", "/portal/buyer"),
        (Role.PUBLISHER, "/portal/publisher", "/buyers"),
        (Role.BUYER, "/portal/buyer", "/"),
    ],
)
def test_the_rail_shows_what_a_role_may_open(role: Role, first: str, without: str) -> None:
    actor: Actor = replace(OWNER, role=role)
    paths = [place.path for place in places_for(actor, EVERY_PATH)]
    assert (paths[0], without in paths) == (first, False)


def test_a_screen_that_is_not_served_has_no_link() -> None:
    assert [place.path for place in places_for(OWNER, {"/pings", "/elsewhere"})] == ["/pings"]


def test_a_page_belongs_to_the_screen_whose_path_it_continues() -> None:
    place = place_of("/campaigns/auto/routing", PLACES)
    assert (place.path if place else None, place_of("/campaignsx", PLACES)) == ("/campaigns", None)
