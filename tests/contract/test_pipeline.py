"""A round trip to PostgreSQL: many statements out, their answers back, and what is left where one of them fails."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from ringbid.store import pipeline
from ringbid.store.pipeline import Answer, Pipeline
from ringbid.store.postgres import connect
from ringbid.store.statements import Row
from support.postgres import Cluster

Connection = psycopg.Connection[Row]
ADD, ALL = "INSERT INTO thing VALUES ($1, $2, $3)", "SELECT name, amount, data FROM thing ORDER BY name"


@pytest.fixture
def connection(postgres_cluster: Cluster) -> Iterator[Connection]:
    with connect(postgres_cluster.create_database()) as made:
        made.execute(b"CREATE TABLE thing (name text PRIMARY KEY, amount bigint, data bytea)")
        yield made


def test_each_statement_has_its_answer(connection: Connection) -> None:
    answers = Pipeline(connection).run(
        [
            (ADD, ["one", 1, b"\x00\xff"]),
            (ADD, ["two", None, None]),
            (ALL, []),
            ("UPDATE thing SET amount = amount + $1", [5]),
            ("SELECT name FROM thing WHERE name = ANY ($1::text[])", [["two", "three"]]),
        ]
    )
    assert answers == [
        Answer([], 1),
        Answer([], 1),
        Answer([("one", 1, b"\x00\xff"), ("two", None, None)], 2),
        Answer([], 2),
        Answer([("two",)], 1),
    ]


def test_the_first_failure_is_told_and_nothing_after_it_was_run(connection: Connection) -> None:
    trips = Pipeline(connection)
    with pytest.raises(errors.UniqueViolation) as told:
        trips.run([(ADD, ["one", 1, None]), (ADD, ["one", 2, None]), ("SELECT 1 / $1::int", [0])])
    assert told.value.sqlstate == "23505"
    assert trips.run([(ALL, [])]) == [Answer([], 0)]


def test_a_statement_that_cannot_be_prepared_is_told_each_time(connection: Connection) -> None:
    trips = Pipeline(connection)
    for _ in range(2):
        with pytest.raises(errors.UndefinedTable):
            trips.run([(ADD, ["one", 1, None]), ("SELECT * FROM nothing", [])])
    assert trips.run([(ADD, ["two", 2, None]), (ALL, [])])[1].rows == [("two", 2, None)]


def test_a_value_that_cannot_be_sent_keeps_the_statements_before_it_back(connection: Connection) -> None:
    trips = Pipeline(connection)
    with pytest.raises(psycopg.DataError, match="NUL"):
        trips.run([(ADD, ["one", 1, None]), (ADD, ["t\x00o", 2, None])])
    assert trips.run([(ALL, [])]) == [Answer([], 0)]


def test_more_goes_out_and_comes_back_than_the_socket_takes_at_once(connection: Connection) -> None:
    text = "x" * 20_000_000
    answers = Pipeline(connection).run([("SELECT $1::text", [text])] * 2)
    assert [answer.rows for answer in answers] == [[(text,)]] * 2


def test_a_statement_is_prepared_once_for_each_kind_of_values(connection: Connection) -> None:
    trips = Pipeline(connection)
    for name, amount in (("one", 1), ("two", 2), ("three", 1 << 40), ("four", -1)):
        trips.run([(ADD, [name, amount, None])])
    trips.run([(ADD, ["five", 5, b"data"]), (ADD, ["six", 6, b"more"])])
    counted = "SELECT count(*) FROM pg_prepared_statements WHERE statement = $1"
    assert trips.run([(counted, [ADD])])[0].rows == [(2,)]


def test_where_enough_is_prepared_other_statements_run_all_the_same(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_MOST_PREPARED", 1)
    trips = Pipeline(connection)
    for name in ("one", "two"):
        trips.run([(ADD, [name, 1, None]), (ALL, [])])
    [answer] = trips.run([("SELECT statement FROM pg_prepared_statements", [])])
    assert answer.rows == [(ADD,)]
    assert [row[0] for row in trips.run([(ALL, [])])[0].rows] == ["one", "two"]


def test_a_connection_that_breaks_is_told_and_closed(connection: Connection, postgres_cluster: Cluster) -> None:
    trips = Pipeline(connection)
    trips.run([(ADD, ["one", 1, None])])
    with connect(connection.info.dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError) as told:
            trips.run([(ADD, ["two", 2, None]), (ALL, [])])
        assert told.value.sqlstate is None
        assert connection.closed


def test_a_round_trip_that_is_given_up_half_way_leaves_no_connection_in_use(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_trips: Pipeline) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Pipeline, "_receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Pipeline(connection).run([(ALL, [])])
    assert connection.closed
