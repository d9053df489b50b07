"""The house rules over the whole project, and each over a planted violation: a rule that finds nothing is no rule."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from house import code_rules as rules
from house.code_rules import Source, assert_none, read_sources
from house.doc_rules import foreign_words

Rule = Callable[[Source], list[str]]


def _find_foreign_words(source: Source) -> list[str]:
    return rules.find_foreign_words(source, foreign_words())


OF_THE_PRODUCT: tuple[Rule, ...] = (
    rules.find_long_file,
    rules.find_long_functions,
    rules.find_missing_docstring,
    rules.find_float_money,
    rules.find_float_in_ledger,
    rules.find_loose_tasks,
    rules.find_sql_outside_store,
    rules.find_network_outside_edge,
    _find_foreign_words,
)
OF_ALL_CODE: tuple[Rule, ...] = (rules.find_unexplained_ignores, rules.find_things_left_open)

IN_A_FUNCTION = "def make(payout_micros, percent):\n    return "
LONG_FUNCTION = "def work():\n" + "    pass\n" * rules.MAX_FUNCTION_LINES

# Each is one violation, and must be found as one.
PLANTED: list[tuple[Rule, str, str]] = [
    (rules.find_long_file, "values/a.py", "x = 1\n" * (rules.MAX_FILE_LINES + 1)),
    (rules.find_long_functions, "values/a.py", LONG_FUNCTION),
    (rules.find_long_functions, "values/a.py", "class A:\n    async " + LONG_FUNCTION.replace("\n", "\n    ")),
    (rules.find_missing_docstring, "values/a.py", "x = 1\n"),
    (rules.find_missing_docstring, "values/__init__.py", ""),
    (rules.find_float_money, "values/a.py", "payout: float = 0"),
    (rules.find_float_money, "values/a.py", "def pay(revenue_micros: float | None): ..."),
    (rules.find_float_money, "values/a.py", "def amount_of(call) -> float: ..."),
    (rules.find_float_money, "values/a.py", "price = 1.5"),
    (rules.find_float_money, "values/a.py", "row['payout'] = -0.5"),
    (rules.find_float_money, "values/a.py", "quote(revenue_micros=1e6)"),
    (rules.find_float_money, "values/a.py", "total = float(quote.payout_micros)"),
    (rules.find_float_money, "values/a.py", IN_A_FUNCTION + "payout_micros / 2"),
    (rules.find_float_money, "values/a.py", IN_A_FUNCTION + "0.8 * payout_micros"),
    (rules.find_float_money, "values/a.py", "payout_micros /= 2"),
    (rules.find_float_money, "values/a.py", "async def balance_of(account) -> float: ..."),
    (rules.find_float_money, "values/a.py", "opening_balance = 0.0"),
    (rules.find_float_money, "values/a.py", "def post(entries: list[float]): ..."),
    (rules.find_float_in_ledger, "ledger/a.py", "x = 0.5"),
    (rules.find_float_in_ledger, "ledger/a.py", "def add(left: float): ..."),
    (rules.find_float_in_ledger, "store/ledger_reading.py", "half = total / 2"),
    (rules.find_float_in_ledger, "reports/statements.py", "total /= 2"),
    (rules.find_float_in_ledger, "values/money.py", "x = float(y)"),
    (rules.find_loose_tasks, "edge/api/a.py", "asyncio.create_task(work())"),
    (rules.find_loose_tasks, "worker/a.py", "group.create_task(work())"),
    (rules.find_sql_outside_store, "ping/a.py", "from sqlalchemy import text"),
    (rules.find_sql_outside_store, "cli.py", "import sqlite3"),
    (rules.find_sql_outside_store, "reports/a.py", "QUERY = 'select a from b'"),
    (rules.find_sql_outside_store, "reports/a.py", "run(f'delete from {table}')"),
    (rules.find_network_outside_edge, "worker/a.py", "import socket"),
    (rules.find_network_outside_edge, "ping/a.py", "from urllib.request import urlopen"),
    (rules.find_network_outside_edge, "ping/a.py", "from urllib import request"),
    (rules.find_network_outside_edge, "ping/a.py", "await asyncio.open_connection('localhost', 1)"),
    (rules.find_unexplained_ignores, "ping/a.py", "x = 1  # no" + "qa: F401"),
    (rules.find_unexplained_ignores, "ping/a.py", "x = 1  # no" + "qa -- everything is fine"),
    (rules.find_unexplained_ignores, "ping/a.py", "x = 1  # type: " + "ignore[misc]"),
    (rules.find_things_left_open, "ping/a.py", "# TO" + "DO: later"),
    (_find_foreign_words, "ping/a.py", "affiliate_id = 1"),
    (_find_foreign_words, "ping/a.py", "class AffiliateList: ..."),
]

# Each is allowed, and near enough to a violation to be taken for one.
INNOCENT: list[tuple[Rule, str, str]] = [
    (rules.find_long_functions, "values/a.py", LONG_FUNCTION.removesuffix("    pass\n")),
    (rules.find_missing_docstring, "values/_private.py", "x = 1\n"),
    (rules.find_float_money, "values/a.py", IN_A_FUNCTION + "payout_micros * percent // 100"),
    (rules.find_float_money, "values/a.py", "payout = quote(timeout_seconds=1.5)"),
    (rules.find_float_money, "values/a.py", "took_ms: float = 0.5"),
    (rules.find_float_in_ledger, "ledger/a.py", "half = total // 2"),
    (rules.find_float_in_ledger, "store/a.py", "half = seconds / 2"),
    (rules.find_loose_tasks, "edge/tasks.py", "asyncio.create_task(work())"),
    (rules.find_sql_outside_store, "store/a.py", "import sqlite3\nQUERY = 'select a from b'"),
    (rules.find_sql_outside_store, "reports/a.py", "HELP = 'select a buyer, then ping'"),
    (rules.find_sql_outside_store, "reports/a.py", "'''Select the rows from the store.'''"),
    (rules.find_network_outside_edge, "edge/outbound/a.py", "import socket"),
    (rules.find_network_outside_edge, "ping/a.py", "from urllib.parse import quote"),
    (rules.find_unexplained_ignores, "ping/a.py", "x = 1  # no" + "qa: TID251 -- the one door to the clock"),
    (rules.find_unexplained_ignores, "ping/a.py", "x = 1  # type: " + "ignore[misc]  # -- the library's stub is wrong"),
    (_find_foreign_words, "ping/a.py", "publisher_id = parameters['affiliate_id']"),
]


def _name(rule: Rule) -> str:
    return rule.__name__.removeprefix("_").removeprefix("find_")


def _ids(cases: list[tuple[Rule, str, str]]) -> list[str]:
    return [f"{_name(rule)}-{index}" for index, (rule, _, _) in enumerate(cases)]


@pytest.mark.parametrize("rule", OF_THE_PRODUCT, ids=_name)
def test_the_product_keeps_the_rule(rule: Rule) -> None:
    assert_none([found for source in read_sources("src") for found in rule(source)])


@pytest.mark.parametrize("rule", OF_ALL_CODE, ids=_name)
def test_all_code_keeps_the_rule(rule: Rule) -> None:
    assert_none([found for source in read_sources("src", "tests", "scripts", "bench") for found in rule(source)])


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED, ids=_ids(PLANTED))
def test_a_rule_finds_what_was_planted(rule: Rule, path: str, text: str) -> None:
    found = rule(Source(f"src/ringbid/{path}", text))
    assert len(found) == 1, found
    assert path in found[0]


@pytest.mark.parametrize(("rule", "path", "text"), INNOCENT, ids=_ids(INNOCENT))
def test_a_rule_leaves_the_innocent_alone(rule: Rule, path: str, text: str) -> None:
    assert rule(Source(f"src/ringbid/{path}", text)) == []


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for rule, _, _ in PLANTED} == {*OF_THE_PRODUCT, *OF_ALL_CODE}
