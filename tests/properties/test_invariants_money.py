"""The promises about money, for whatever may be decided: it sums to zero, adds up, splits without a rest, and counts
once. What the ledger says is compared with books of whole units in Decimal that share no code with it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ringbid.ledger import correcting, posting
from ringbid.ledger.correcting import Corrected, Correction, correct
from ringbid.ledger.entry import Account
from ringbid.ledger.posting import Posting, sum_entries
from ringbid.store import ledger as stored
from ringbid.store import ledger_schema
from ringbid.store.opening import Store
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Statement
from ringbid.values.ids import CompanyId
from ringbid.values.money import MAX_MICROS, share_of
from support.money import ALPHA, CALL, PUBLISHER, Conversion, DecimalBooks, RandomMoney, conversion
from support.store_clients import rows_of
from support.stores import StorePlace, run

DECISIONS = 100_000
Balances = dict[tuple[Any, Any, Any], int]


class PureLedger:
    """Postings in memory, each key once, as the store keeps them; `balances` is what a fold of them gives."""

    def __init__(self) -> None:
        self.of_call: dict[str, list[Posting]] = defaultdict(list)
        self.balances: Balances = defaultdict(int)
        self.keys: set[str] = set()

    def decide(self, decision: Conversion | Correction) -> bool:
        """True where something was booked."""
        if isinstance(decision, Conversion):
            return self._post(decision.posting)
        made = correct(self.of_call[decision.call_id], decision)
        return isinstance(made, Corrected) and not made.repeated and self._post(made.posting)

    def _post(self, new: Posting) -> bool:
        if new.posting_key in self.keys:
            return False
        self.keys.add(new.posting_key)
        self.of_call[new.call_id].append(new)
        for key, micros in sum_entries([new]).items():
            self.balances[key] += micros
        return True


def decide_all(count: int, *, seed: int, calls: int) -> tuple[PureLedger, DecimalBooks, Counter[str]]:
    """Random decisions, taken by the ledger and by the other books; they must agree on each."""
    ledger, books, outcomes = PureLedger(), DecimalBooks(), Counter[str]()
    for decision in RandomMoney(seed, calls=calls).decisions(count):
        booked = ledger.decide(decision)
        assert booked is books.decide(decision), decision
        outcomes[f"{type(decision).__name__} {'booked' if booked else 'not booked'}"] += 1
    return ledger, books, outcomes


def sums_of(balances: Balances) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for (company, _, currency), micros in balances.items():
        sums[company, currency] += micros
    return dict(sums)


def check(ledger: PureLedger, books: DecimalBooks) -> None:
    assert ledger.balances == books.micros()
    assert sum_entries(one for postings in ledger.of_call.values() for one in postings) == books.micros()
    assert sums_of(ledger.balances) == {("acme", "USD"): 0, ("umbrella", "EUR"): 0}
    assert all(type(micros) is int for micros in ledger.balances.values())


def test_a_hundred_thousand_decisions_sum_to_zero_and_are_what_other_books_say() -> None:
    ledger, books, outcomes = decide_all(DECISIONS, seed=16, calls=6000)
    check(ledger, books)
    assert outcomes.total() == DECISIONS
    assert {"Conversion", "Adjust", "Void"} == {name.split()[0] for name in outcomes}
    assert min(outcomes.values()) > 1000, f"each happens often, and each is refused often: {outcomes}"


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_any_decisions_sum_to_zero_at_every_moment(seed: int, calls: int) -> None:
    ledger, books = PureLedger(), DecimalBooks()
    for decision in RandomMoney(seed, calls=calls).decisions(60):
        assert ledger.decide(decision) is books.decide(decision)
        assert not any(sums_of(ledger.balances).values())
        assert ledger.balances == books.micros()


@pytest.mark.parametrize("name", ["adjust by the whole amount", "void the last only", "forget what was voided"])
def test_the_other_books_find_a_planted_bug(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each keeps every posting balanced, so only a recount that knows better can find it."""
    make, standing_of = correcting._make_posting, correcting.standing_of

    def whole(standing: Any, correction: Any, changes: dict[Account, int]) -> Posting:
        shares = {one: standing.shares[one] + micros for one, micros in changes.items()}
        return make(standing, correction, changes if isinstance(correction, correcting.Void) else shares)

    def last_only(standing: Any, correction: Any, changes: dict[Account, int]) -> Posting:
        last = {one: -micros for one, micros in standing.postings[-1].shares.items()}
        return make(standing, correction, last if isinstance(correction, correcting.Void) else changes)

    def forgotten(postings: Sequence[Posting], side: Any) -> Any:
        return standing_of([one for one in postings if one.kind != "void"], side)

    planted: dict[str, tuple[str, Callable[..., Any]]] = {
        "adjust by the whole amount": ("_make_posting", whole),
        "void the last only": ("_make_posting", last_only),
        "forget what was voided": ("standing_of", forgotten),
    }
    monkeypatch.setattr(correcting, *planted[name])
    with pytest.raises(AssertionError):
        check(*decide_all(2000, seed=1, calls=50)[:2])


def test_the_sum_finds_a_planted_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A posting whose sides are made apart, and rounded apart, cannot be made."""
    make = posting.make_entries

    def rounded(side: Any, shares: dict[Account, int], currency: str) -> Any:
        first, *others = make(side, shares, currency)
        cents = posting.Money(first.amount.micros // 10_000 * 10_000, currency)
        return (posting.Entry(first.account, cents), *others)

    monkeypatch.setattr(posting, "make_entries", rounded)
    with pytest.raises(ValueError, match="sum to"):
        decide_all(100, seed=1, calls=50)


@settings(max_examples=500)
@given(
    st.integers(0, MAX_MICROS),
    st.decimals(0, 999, places=6),
    st.integers(0, 3),
)
def test_payout_and_margin_of_any_split_add_up_to_the_revenue(revenue: int, percent: Decimal, attempt: int) -> None:
    """18. A share is rounded once, to the nearest micro; what is left is the margin, and the company's two accounts."""
    payout = share_of(revenue, percent)
    assert abs(payout - Fraction(revenue) * Fraction(percent) / 100) <= Fraction(1, 2)
    booked = sum_entries(
        conversion(str(Decimal(micros).scaleb(-6)), side=side, attempt=attempt)
        for side, micros in (("revenue", revenue), ("payout", payout))
    )
    margin = sum(micros for (_, account, _), micros in booked.items() if account.startswith("company/"))
    assert payout + margin == revenue
    assert -sum(micros for (_, account, _), micros in booked.items() if account in (ALPHA, PUBLISHER)) == margin


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(2, 4))
def test_replayed_and_reordered_conversions_give_the_same_ledger(seed: int, times: int) -> None:
    """17. One of each key counts, whichever comes first, for the decision of a key is always the same."""
    chance = random.Random(seed)
    once = [conversion(str(number), side=side, attempt=number) for number in range(8) for side in ("revenue", "payout")]
    many = once * times
    chance.shuffle(many)
    ledger = PureLedger()
    for new in many:
        ledger.decide(Conversion(new, Decimal(0), ALPHA))
    assert len(ledger.of_call[CALL]) == len(once)
    assert ledger.balances == sum_entries(once)


def books_of(place: StorePlace) -> dict[tuple[str, str, str], Decimal]:
    """The balances by a recount of the file's own entries, in units."""
    rows = rows_of(place, "select company_id, account, currency, amount_micros from ledger_entry")
    balances: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for company, account, currency, micros in rows:
        balances[company, account, currency] += Decimal(micros).scaleb(-6)
    return balances


def balances_of(place: StorePlace) -> Balances:
    rows = rows_of(place, "select company_id, account, currency, balance_micros from balance")
    return {(company, account, currency): micros for company, account, currency, micros in rows}


async def take(store: Store, decision: Conversion | Correction) -> bool:
    if not isinstance(decision, Conversion):
        made = await store.ledger.correct(decision)
        return isinstance(made, Corrected) and not made.repeated

    def work(session: Session) -> bool:
        session.lock([f"call {decision.posting.call_id}"])
        return stored.post(session, decision.posting, 0)

    return await store._writer.transact(work)


def test_the_store_decides_as_other_books_do(place: StorePlace) -> None:
    books = DecimalBooks()

    async def story(store: Store) -> None:
        for decision in RandomMoney(18, calls=60).decisions(1500):
            assert await take(store, decision) is books.decide(decision), decision
        assert await store.ledger.verify() == ()
        for company in {company for company, *_ in books.balances}:
            told = {one.account: one.amount.micros for one in await store.ledger.balances(CompanyId(company))}
            assert told == {account: micros for (of, account, _), micros in books.micros().items() if of == company}

    run(place, story)
    assert balances_of(place) == books.micros()
    assert books_of(place) == books.balances


def in_threads(store: Store, *, seeds: Sequence[int], count: int, calls: int) -> int:
    """Decisions from a thread for each seed, all about the same calls; how many were booked."""

    async def client(seed: int) -> int:
        decisions = list(RandomMoney(seed, calls=calls).decisions(count))
        return sum(await asyncio.gather(*(take(store, decision) for decision in decisions)))

    with ThreadPoolExecutor(len(seeds)) as pool:
        return sum(pool.map(lambda seed: asyncio.run(client(seed)), seeds))


async def in_two_stores(place: StorePlace, store: Store, *, first_seed: int, count: int, calls: int) -> int:
    """The same, by two stores on one database. Each has decisions that the other has too, and some of its own."""
    async with place.open() as second:
        seeds = ([first_seed, first_seed + 1], [first_seed, first_seed + 2])
        runs = [
            asyncio.to_thread(in_threads, one, seeds=of_one, count=count, calls=calls)
            for one, of_one in zip((store, second), seeds, strict=True)
        ]
        return sum(await asyncio.gather(*runs))


def test_decisions_of_many_threads_and_stores_at_once_lose_nothing_and_count_nothing_twice(place: StorePlace) -> None:
    async def story(store: Store) -> int:
        if place.database == "postgresql":
            return await in_two_stores(place, store, first_seed=0, count=500, calls=40)
        return await asyncio.to_thread(in_threads, store, seeds=[0, 0, 1, 2], count=500, calls=40)

    booked = run(place, story)
    recounted = {key: int(amount.scaleb(6)) for key, amount in books_of(place).items()}
    assert balances_of(place) == recounted
    assert set(sums_of(recounted).values()) == {0}
    assert rows_of(place, "select count(*), count(distinct posting_key) from posting") == [(booked, booked)]
    query = "select call_id, side, account, amount_micros from ledger_entry join posting on id = posting_id"
    brought: Counter[tuple[str, str, str]] = Counter()
    for call, side, account, micros in rows_of(place, query):
        if not account.startswith("company/"):
            brought[call, side, account] += micros if side == "payout" else -micros
    assert len(brought) > 100
    assert min(brought.values()) >= 0, "no call brings less than nothing"


_PLAIN_BALANCES = Statement(select(ledger_schema.balance))
_REPLACE_BALANCE = Insert(ledger_schema.balance, replace=True)


def overwrite(session: Session, booked: dict[int, Posting], _at_ms: int) -> None:
    """A planted bug: balances are read, added to here, and written back."""
    [rows] = session.fetch((_PLAIN_BALANCES, {}))
    read = {tuple(key): micros for *key, micros in rows}
    sums = sorted(sum_entries(booked.values()).items())
    session.insert(_REPLACE_BALANCE, [(*key, read.get(key, 0) + micros) for key, micros in sums])
    entries = [(number, one, entry) for number, one in booked.items() for entry in one.entries]
    rows = [(number, one.account, of.company_id, of.currency, 0, one.amount.micros) for number, of, one in entries]
    session.insert(stored._INSERT_ENTRY, rows)


def test_the_recount_finds_a_planted_read_then_write(
    postgres_place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loses what another store adds meanwhile, if not at the first attempt."""
    monkeypatch.setattr(stored, "_write", overwrite)
    for number in range(10):
        run(
            postgres_place,
            lambda store, seed=number * 3: in_two_stores(postgres_place, store, first_seed=seed, count=200, calls=2000),
        )
        recounted = {key: int(amount.scaleb(6)) for key, amount in books_of(postgres_place).items()}
        if balances_of(postgres_place) != recounted:
            return
    pytest.fail("ten times, no addition was lost")
