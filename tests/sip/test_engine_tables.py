"""Kamailio's tables on PostgreSQL: made once, written without waiting for the disk, read once."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ringbid.reservations.ports import StoreUnavailable
from ringbid.store import postgres
from ringbid.store.engine_tables import EngineTables, create_engine_tables
from support.postgres import Cluster

INSERT = b"""
insert into sip_record (callid, attempt, started, ended, ended_by, duration) values (%s, 'a', '1', '2', 'buyer', 1)
"""


@pytest.fixture
def database(postgres_cluster: Cluster) -> Iterator[str]:
    url = postgres_cluster.create_database()
    yield url
    with psycopg.connect(postgres_cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(f"drop database {url.rpartition('/')[2]} with (force)".encode())


def test_they_are_made_once_and_keep_what_is_in_them(database: str) -> None:
    create_engine_tables(database)
    with psycopg.connect(database) as connection:
        connection.execute(INSERT, ["call-1"])
    create_engine_tables(database)
    table = EngineTables(database)
    assert [row[1:] for row in table.unnoted(10)] == [("call-1", "a", "1", "2", "buyer", 1.0)]
    table.close()


def test_only_the_store_waits_for_the_disk(database: str) -> None:
    create_engine_tables(database)
    with psycopg.connect(database) as kamailio, postgres.connect(database) as store:
        assert kamailio.execute("show synchronous_commit").fetchone() == ("off",)
        assert store.execute("show synchronous_commit").fetchone() == ("on",)


def test_a_call_has_one_record(database: str) -> None:
    create_engine_tables(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(INSERT, ["call-1"])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(INSERT, ["call-1"])


def test_what_was_noted_is_not_read_again(database: str) -> None:
    create_engine_tables(database)
    with psycopg.connect(database) as connection:
        for number in range(3):
            connection.execute(INSERT, [f"call-{number}"])
    table = EngineTables(database)
    table.note([row[0] for row in table.unnoted(2)])
    assert [row[1] for row in table.unnoted(10)] == ["call-2"]
    table.close()


def test_a_database_that_is_away_is_told_and_found_again(database: str) -> None:
    create_engine_tables(database)
    table = EngineTables(database)
    assert table.unnoted(1) == []
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'ringbid%'"
        )
    with pytest.raises(StoreUnavailable):
        table.unnoted(1)
    assert table.unnoted(1) == []
    table.close()
    with pytest.raises(StoreUnavailable):
        EngineTables("postgresql://nobody@127.0.0.1:1/nothing").unnoted(1)
