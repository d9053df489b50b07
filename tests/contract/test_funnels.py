"""Reports on both databases, held against a count that knows nothing of sums: every number, whatever is asked."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ringbid.reports.counts import NOTHING, Counts
from ringbid.reports.funnel import GROUPS, Filters, Question, Report, make_report
from ringbid.reports.journey import Beginning, Booked, Journey, Step
from ringbid.reports.periods import Period, make_period, preset
from ringbid.store import journey_rows as rows
from ringbid.store.journeys import start_of
from ringbid.store.opening import Store
from ringbid.store.session import Session
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import CompanyId, PingId
from support.stores import StorePlace, run

ACME, OTHER = CompanyId("acme"), CompanyId("umbrella")
ZONES = ("America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")
AROUND = datetime(2026, 3, 8, 6, tzinfo=UTC)  # the clocks of New York jump an hour later


def any_journey(chance: random.Random, number: int, company: CompanyId) -> Journey:
    step = Step(chance.randint(1, 8))
    direct = chance.random() < 0.2
    booked = Booked()
    if step >= Step.CONVERTED:
        payout = chance.randrange(1, 5_000_000) if step is Step.PAID else 0
        booked = Booked(chance.randrange(9_000_000), payout, chance.choice(["USD", "USD", "USD", "EUR"]), standing=True)
    at = AROUND + timedelta(seconds=chance.randrange(-4 * 86_400, 4 * 86_400))
    tags = {"source": chance.choice(["radio", "web"])} if chance.random() < 0.7 else {}
    beginning = Beginning(
        uuid=PingId(f"{company}-{number:05d}"),
        company_id=company,
        direct=direct,
        at_ms=to_ms(at),
        campaign_id=chance.choice(["cars", "roofs"]),
        publisher_id=chance.choice(["", "P1", "P2", "P3"]),
        caller_state=chance.choice(["", "NY", "CA"]),
        tags=tags,
        step=step,
        ending="reserved",
    )
    reserved = step >= Step.RESERVED
    return Journey(
        beginning=beginning,
        buyer_id=chance.choice(["alpha", "bravo"]) if reserved else "",
        number=chance.choice(["+18440000001", "+18440000002"]) if reserved else "",
        step=step,
        ending=chance.choice(["paid", "expired", "duplicate", "no_buyer_available", "call_too_short"]),
        booked=booked,
        connected_ms=chance.randrange(200_000) if step >= Step.CONNECTED else 0,
    )


async def keep(store: Store, journeys: Iterable[Journey], zone: str) -> None:
    """Put journeys into the store as folding does."""

    def write(session: Session) -> None:
        sums, written = rows.Sums(), []
        for one in journeys:
            start_ms = start_of(one.beginning.at_ms, zone)
            sums.add(one, start_ms)
            written.append(rows.journey_row(one, start_ms))
        session.insert(rows.WRITE, written)
        session.insert(rows.ADD_COUNTS, sums.rows())

    await store._folding.transact(write)


def count(journeys: Iterable[Journey]) -> Counts:
    """By hand."""
    total: Counter[str] = Counter()
    for one in journeys:
        total["direct_calls" if one.beginning.direct else "pings"] += 1
        for name in ("asked", "bid", "reserved", "delivered", "connected", "converted", "paid"):
            total[name] += one.step >= Step[name.upper()]
        total["connected_ms"] += one.connected_ms
        if one.booked.currency in ("", "USD"):
            total["revenue_micros"] += one.booked.revenue_micros
            total["payout_micros"] += one.booked.payout_micros
    return Counts(**total)


def key_of(group: str, zone: str, *, back: int = 0) -> Callable[[Journey], str | None]:
    """What row a journey belongs to; None: to none."""
    local = lambda one: from_ms(one.beginning.at_ms).astimezone(ZoneInfo(zone))  # noqa: E731 -- it is one expression
    if group.startswith("tag:"):
        return lambda one: one.beginning.tags.get(group[4:], "")
    keys: dict[str, Callable[[Journey], str]] = {
        "publisher": lambda one: one.beginning.publisher_id,
        "buyer": lambda one: one.buyer_id,
        "campaign": lambda one: one.beginning.campaign_id,
        "number": lambda one: one.number,
        "state": lambda one: one.beginning.caller_state,
        "reason": lambda one: one.ending,
        "hour": lambda one: f"{local(one).hour:02d}",
        "weekday": lambda one: str(local(one).weekday()),
        "day": lambda one: (local(one).date() + timedelta(days=back)).isoformat(),
    }
    return keys[group]


def fits(one: Journey, filters: Filters, zone: str) -> bool:
    wanted = [
        ("campaign", filters.campaign),
        ("publisher", filters.publisher),
        ("buyer", filters.buyer),
        (filters.facet, filters.value),
    ]
    return all(not value or key_of(group, zone)(one) == value for group, value in wanted)


def between(journeys: Iterable[Journey], start: datetime, end: datetime) -> list[Journey]:
    return [one for one in journeys if start <= from_ms(one.beginning.at_ms) < end]


def grouped(journeys: Iterable[Journey], key: Callable[[Journey], str | None]) -> dict[str | None, Counts]:
    groups: dict[str | None, list[Journey]] = defaultdict(list)
    for one in journeys:
        groups[key(one)].append(one)
    return {name: count(found) for name, found in groups.items()}


def assert_right(report: Report, journeys: list[Journey]) -> None:
    question = report.question
    period, zone = question.period, question.period.zone
    fitting = [one for one in journeys if fits(one, question.filters, zone)]
    now = between(fitting, period.start, period.end)
    compared = between(fitting, period.start, period.compared_until)
    before = between(fitting, period.before_start, period.before_end)
    assert report.total.counts == count(now)
    assert report.total.compared == count(compared)
    assert report.total.before == count(before)
    steps = report.total.counts.steps
    assert list(steps) == sorted(steps, reverse=True)
    key, key_before = key_of(question.group, zone), key_of(question.group, zone, back=period.days)
    found = {row.key: row for row in report.rows if row.counts != NOTHING or row.before != NOTHING}
    expected = [grouped(now, key), grouped(compared, key), grouped(before, key_before)]
    for name in {*found, *expected[0], *expected[2]}:
        row = found[str(name)]
        wanted = [one.get(name, NOTHING) for one in expected]
        assert [row.counts, row.compared, row.before] == wanted, (question, name)
    if question.filters.facet in ("", "reason"):
        assert {one.code: one.count for one in report.endings} == Counter(one.ending for one in now)
        assert sum(one.count for one in report.endings) == report.total.counts.all
    heat = grouped(now, lambda one: f"{key_of('weekday', zone)(one)} {key_of('hour', zone)(one)}")
    shown = {f"{day} {hour:02d}": one for day, row in enumerate(report.heat) for hour, one in enumerate(row)}
    assert {name: one for name, one in shown.items() if one != NOTHING} == heat
    assert sum(point.counts.all for point in report.points) == report.total.counts.all
    assert sum(one.counts.all for one in report.before_points) == report.total.before.all


def any_question(chance: random.Random, zone: str) -> Question:
    first = date(2026, 3, 3) + timedelta(days=chance.randrange(10))
    last = first + timedelta(days=chance.randrange(5))
    now = chance.choice([AROUND + timedelta(days=90), AROUND + timedelta(minutes=chance.randrange(6 * 1440))])
    group = chance.choice([*GROUPS, "tag:source"])
    filters = Filters(
        campaign=chance.choice(["", "", "cars"]),
        publisher=chance.choice(["", "", "P1"]),
        buyer=chance.choice(["", "", "alpha"]),
    )
    values = {"state": "NY", "number": "+18440000001", "reason": "expired", "tag:source": "radio"}
    facet = chance.choice([None, None, *values])
    if facet is not None and (group == facet or group not in values):
        filters = replace(filters, facet=facet, value=values[facet])
    period = make_period(first, last, now=now, zone=zone)
    return Question(company_id=ACME, currency="USD", period=period, group=group, filters=filters)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_asked_every_number_is_what_counting_says(place: StorePlace, zone: str, seed: int) -> None:
    chance = random.Random(f"{zone} {seed}")
    journeys = [any_journey(chance, number, ACME) for number in range(400)]
    others = [any_journey(chance, number, OTHER) for number in range(50)]

    async def story(store: Store) -> None:
        await keep(store, [*journeys, *others], zone)
        for _ in range(60):
            question = any_question(chance, zone)
            now_ms = to_ms(question.period.compared_until) if question.period.running else None
            so_far = [one for one in journeys if now_ms is None or one.beginning.at_ms <= now_ms + 10 * 86_400_000]
            assert_right(make_report(question, await store.funnels.read(question), None), so_far)

    run(place, story)


def ask(place: StorePlace, period: Period, **question: Any) -> Report:
    async def story(store: Store) -> Report:
        asked = Question(company_id=ACME, currency="USD", period=period, **question)
        return make_report(asked, await store.funnels.read(asked), None)

    answer = run(place, story)
    assert isinstance(answer, Report)
    return answer


def test_a_report_of_nothing_has_no_rows_and_no_ratios(place: StorePlace) -> None:
    report = ask(place, preset("today", now=AROUND, zone="UTC"))
    assert (report.total.counts, report.rows, report.endings) == (NOTHING, (), ())
    assert report.total.counts.margin_percent is None
    assert report.as_of is None


def test_money_in_another_currency_is_told_and_not_added(place: StorePlace) -> None:
    chance = random.Random(1)
    sold = next(one for one in (any_journey(chance, n, ACME) for n in range(99)) if one.step >= Step.CONVERTED)
    euros = replace(sold, booked=Booked(7_000_000, 1, "EUR", standing=True))

    async def story(store: Store) -> None:
        await keep(store, [euros], "UTC")

    run(place, story)
    report = ask(place, make_period(date(2026, 3, 1), date(2026, 3, 20), now=AROUND + timedelta(days=90), zone="UTC"))
    assert (report.total.counts.converted, report.total.counts.revenue_micros, report.foreign) == (1, 0, 1)


def test_a_report_is_one_query_however_many_rows_it_has(place: StorePlace) -> None:
    chance = random.Random(2)

    async def story(store: Store) -> list[int]:
        asked = []
        for size in (1, 200):
            await keep(store, [any_journey(chance, size * 1000 + number, ACME) for number in range(size)], "UTC")
            for group in GROUPS:
                period = make_period(date(2026, 3, 1), date(2026, 3, 20), now=AROUND, zone="UTC")
                question = Question(company_id=ACME, currency="USD", period=period, group=group)
                counting = CountingReads(store._browsing)
                store.funnels._reading = counting  # type: ignore[assignment]  # -- it counts what is asked of it
                await store.funnels.read(question)
                asked.append(counting.queries)
        return asked

    assert set(run(place, story)) == {1}  # type: ignore[call-overload]  # -- a list of numbers


class CountingReads:
    """Counts the queries that go through it."""

    def __init__(self, reading: Any) -> None:
        self._reading = reading
        self.queries = 0

    async def alone(self, work: Callable[[Session], Any]) -> Any:
        def counted(session: Session) -> Any:
            return work(_Counting(session, self))  # type: ignore[arg-type]  # -- only `fetch` is asked here

        return await self._reading.alone(counted)


class _Counting:
    def __init__(self, session: Session, counter: CountingReads) -> None:
        self._session = session
        self._counter = counter

    def fetch(self, *queries: Any) -> Any:
        self._counter.queries += len(queries)
        return self._session.fetch(*queries)
