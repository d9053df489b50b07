"""What the benchmark says of calls is what SIPp saw."""

from __future__ import annotations

import asyncio
from collections import Counter
from importlib.resources import files

import pytest
from bench.sip_ends import buyer_scenario, caller_scenario
from bench.sip_messages import Placed, read_messages
from bench.sip_report import Capacity, Delay, alone_of, calls_report
from bench.sip_run import find_highest, holds
from bench.sip_stage import catalog_yaml, without_lookup

from ringbid.catalog.validate import CatalogRead, read_catalog

_ROUTES = files("ringbid.edge.telephony.sip") / "templates" / "routes.cfg"


def _line(at: float, direction: str, call: str, about: str, text: str) -> str:
    return f"2026-11-24\t12:35:36.000000\t{at:.6f}\t{direction}\t{call}@127.0.0.1\tCSeq:{about}\t{text}\n"


def _call(call: str, start: float, *answers: tuple[float, int], bye: int | None = 200) -> list[str]:
    lines = [_line(start, "S", call, "1 INVITE", "INVITE sip:+1800@127.0.0.1:5060 SIP/2.0")]
    lines += [_line(start + after, "R", call, "1 INVITE", f"SIP/2.0 {code} Text") for after, code in answers]
    lines += [_line(start + 1, "S", call, "2 BYE", "BYE sip:end@127.0.0.1:5060 SIP/2.0")]
    return lines + ([_line(start + 1.1, "R", call, "2 BYE", f"SIP/2.0 {bye} Text")] if bye else [])


def test_a_delay_counts_from_the_first_invite_to_the_first_ringing() -> None:
    again = [_line(10.5, "S", "1", "1 INVITE", "INVITE sip:+1800@127.0.0.1:5060 SIP/2.0")]
    first, *rest = _call("1", 10.0, (0.002, 100), (0.7, 180), (0.75, 180), (0.8, 200))
    placed = read_messages([first, *again, *rest])
    assert placed.calls == 1
    assert placed.delays_ms == (pytest.approx(700),)
    assert not placed.wrong


def test_an_answer_without_ringing_counts_without_the_time_that_the_buyer_waits() -> None:
    assert read_messages(_call("1", 10.0, (0.053, 200))).delays_ms == (pytest.approx(3),)


def test_calls_that_do_not_go_through_are_counted_by_how_they_ended_and_have_no_delay() -> None:
    lines = _call("1", 10.0, (0.01, 180), (0.06, 200))
    lines += _call("2", 10.1, (2.0, 503), bye=None)
    lines += _call("3", 10.2, (0.01, 180), bye=None)
    lines += _call("4", 10.3, (0.01, 180), (0.06, 200), bye=481)
    placed = read_messages(lines)
    assert placed.calls == 4
    assert len(placed.delays_ms) == 1
    assert placed.wrong == Counter({"503": 1, "no answer": 1, "BYE without an answer": 1})


def test_the_rate_is_that_at_which_calls_were_really_placed() -> None:
    lines = [line for number in range(11) for line in _call(str(number), number / 20, (0.01, 180), (0.06, 200))]
    assert read_messages(lines).rate == pytest.approx(20)


def test_a_line_that_was_cut_off_is_passed_over() -> None:
    assert read_messages([*_call("1", 10.0, (0.01, 180), (0.06, 200)), "2026-11-24\t12:35"]).calls == 1


@pytest.mark.parametrize(
    ("placed", "held"),
    [
        (Placed(calls=100, delays_ms=(5.0,) * 99 + (900.0,), rate=50), True),
        (Placed(calls=100, delays_ms=(5.0,) * 98 + (101.0, 900.0), rate=50), False),
        (Placed(calls=100, delays_ms=(5.0,) * 99, wrong=Counter({"503": 1}), rate=50), False),
        (Placed(calls=100, delays_ms=(5.0,) * 100, rate=40), False),
    ],
)
def test_a_rate_is_held_where_all_calls_ring_in_time_and_were_placed_as_fast(placed: Placed, held: bool) -> None:
    assert holds(placed, 50) is held


@pytest.mark.parametrize("first", [0, 6, 20, 29])
@pytest.mark.parametrize("capacity", [0, 1, 2, 7, 13, 18, 25, 29, 30])
def test_the_highest_rate_is_found_from_wherever_the_search_begins(capacity: int, first: int) -> None:
    tried = []

    async def is_held(rate: float) -> bool:
        tried.append(rate)
        return rate <= capacity

    found = asyncio.run(find_highest(tuple(range(1, 31)), first, is_held))
    assert found == capacity
    assert len(tried) == len(set(tried)) <= 10


def test_where_the_first_rate_is_not_held_lower_ones_are_tried_and_none_above_it() -> None:
    tried = []

    async def is_held(rate: float) -> bool:
        tried.append(rate)
        return rate <= 3

    asyncio.run(find_highest(tuple(range(1, 31)), 12, is_held))
    assert tried[:3] == [13, 7, 1]
    assert max(tried[3:]) < 7


def test_an_engine_alone_asks_nobody_and_rings_the_buyers_that_the_router_would_name() -> None:
    routes = _ROUTES.read_text(encoding="utf-8")
    alone = without_lookup(routes, "127.1.2.100")
    call = alone[alone.index("route[CALL]") : alone.index("route[ASK]")]
    assert "route(ASK)" not in call
    assert call.count("sip:buyer0@127.1.2.100") == call.count("sip:buyer2@127.1.2.100") == 1
    assert len(alone.splitlines()) < len(routes.splitlines()) + 10, "everything else is as it was"


def test_a_changed_template_is_told_rather_than_measured() -> None:
    with pytest.raises(ValueError, match="has changed"):
        without_lookup("route[CALL] {\n}\n", "127.1.2.100")


def test_the_measured_catalog_is_valid() -> None:
    assert isinstance(read_catalog(catalog_yaml("127.1.2.100")), CatalogRead)


def test_the_ends_agree_about_what_is_said() -> None:
    assert caller_scenario().count("<send") == 3
    assert buyer_scenario().count("<send") == 3
    assert "[field0]" in caller_scenario()


def _delay(way: str, rate: float, p50_ms: float, p99_ms: float, server_cpu_ms: float | None = None) -> Delay:
    return Delay(
        way=way,
        rate=rate,
        calls=200,
        p50_ms=p50_ms,
        p90_ms=p50_ms + 1,
        p99_ms=p99_ms,
        engine_cpu_ms=None if way == "direct" else 1.25,
        server_cpu_ms=server_cpu_ms,
        database_cpu_ms=None,
    )


def test_the_report_of_calls_relates_a_lookup_to_the_same_engine_alone_at_the_same_rate() -> None:
    lines = calls_report(
        [
            _delay("direct", 20, 0.1, 0.2),
            _delay("engine alone, SQLite", 20, 1.1, 2.2),
            _delay("with lookup, SQLite", 20, 4.1, 7.7, 3.5),
            _delay("engine alone, SQLite", 50, 1.0, 2.0),
            _delay("with lookup, SQLite", 50, 5.0, 9.5, 3.0),
        ],
        [Capacity(way="engine alone, SQLite", rate=800), Capacity(way="with lookup, SQLite", rate=600)],
    )
    rows = [line.split() for line in lines]
    assert ["direct", "20", "200", "0.10", "1.10", "0.20"] in rows
    assert ["engine", "alone,", "SQLite", "20", "200", "1.10", "2.10", "2.20", "+1.00", "+2.00", "1.25"] in rows
    assert ["with", "lookup,", "SQLite", "20", "200", "4.10", "5.10", "7.70", "+3.00", "+5.50", "1.25", "3.50"] in rows
    assert ["with", "lookup,", "SQLite", "50", "200", "5.00", "6.00", "9.50", "+4.00", "+7.50", "1.25", "3.00"] in rows
    assert ["with", "lookup,", "SQLite", "600", "0.75"] in rows


def test_each_way_is_compared_with_the_engine_of_its_own_store() -> None:
    assert alone_of("with lookup, PostgreSQL") == "engine alone, PostgreSQL"
    assert alone_of("engine alone, PostgreSQL") == "direct"
