"""The schema: migrations and tables agree, what must not be is forbidden, and a newer database is left alone."""

from __future__ import annotations

import re
import subprocess
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from ringbid.settings import Settings
from ringbid.store import migrating, postgres, sqlite
from ringbid.store.migrating import WrongSchema
from ringbid.store.opening import Store, open_reader
from ringbid.store.schema import metadata
from support.clocks import START, JumpingClock
from support.postgres import Cluster, find_binary
from support.store_clients import connector, rows_of
from support.stores import StorePlace, caller, place_with, run, settlement, subject

VERSIONS = Path(migrating.__file__).parent / "migrations" / "versions"


def parts_of(statement: str) -> list[str]:
    """A CREATE statement's head, columns and constraints, and tail, in an order that does not tell how it was made."""
    head, _, rest = " ".join(statement.split()).partition("(")
    body, _, tail = rest.rpartition(")")
    return sorted([head, tail, *(part.strip() for part in re.split(r",\s(?![^(]*\))", body))])


def test_all_migrations_make_the_tables_of_the_code_on_sqlite(sqlite_place: StorePlace, tmp_path: Path) -> None:
    fresh = partial(sqlite.connect, tmp_path / "fresh.sqlite")
    with migrating.engine_of("sqlite", fresh).begin() as connection:
        metadata.create_all(connection)
    query = "select name, sql from sqlite_master where sql is not null and name not like '%alembic%' order by name"
    migrated = {name: parts_of(sql) for name, sql in rows_of(sqlite_place, query)}
    made = {name: parts_of(sql) for name, sql in fresh().execute(query)}
    assert len(made) > 15
    assert migrated == made


def test_all_migrations_make_the_tables_of_the_code_on_postgresql(postgres_url: str, postgres_cluster: Cluster) -> None:
    fresh = postgres_cluster.create_database()
    with migrating.engine_of("postgresql", partial(postgres.connect, fresh, autocommit=False)).begin() as connection:
        metadata.create_all(connection)
    migrated, made = dump(postgres_url), dump(fresh)
    assert len(made) > 30
    assert migrated == made


def dump(url: str) -> list[list[str]]:
    """The statements that make the schema, without Alembic's own table."""
    command = [find_binary("pg_dump"), "--schema-only", "--no-owner", "--exclude-table=alembic_version*", url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    output = re.sub(r"(?m)^(--|\\).*$", "", output)
    return sorted(parts_of(statement) for statement in output.split(";") if statement.strip())


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    revisions = re.findall(
        r'^revision = "(\w+)"', "\n".join(path.read_text() for path in VERSIONS.glob("v*.py")), re.MULTILINE
    )
    assert max(revisions) == migrating.HEAD
    assert len(set(revisions)) == len(list(VERSIONS.glob("v*.py")))


def test_opening_twice_migrates_once(place: StorePlace) -> None:
    for _ in range(2):
        run(place, lambda store: store.catalog_version())
    assert rows_of(place, "select version_num from alembic_version") == [(migrating.HEAD,)]


def test_a_database_of_a_newer_ringbid_is_refused_and_left_alone(place: StorePlace) -> None:
    with migrating.engine_of(place.database, connector(place)).begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(WrongSchema, match=r"9999.*newer Ringbid"):
        run(place, lambda store: store.catalog_version())
    with pytest.raises(WrongSchema, match="9999"):
        open_reader(place.settings)
    assert rows_of(place, "select version_num from alembic_version") == [("9999",)]
    with migrating.engine_of(place.database, connector(place)).begin() as connection:
        connection.execute(text(f"update alembic_version set version_num = '{migrating.HEAD}'"))


def test_after_a_refusal_the_folder_can_be_opened_again(sqlite_place: StorePlace) -> None:
    engine = migrating.engine_of("sqlite", connector(sqlite_place))
    for version in ("9999", migrating.HEAD):
        with engine.begin() as connection:
            connection.execute(text(f"update alembic_version set version_num = '{version}'"))
        if version == "9999":
            with pytest.raises(WrongSchema):
                run(sqlite_place, lambda store: store.catalog_version())
    run(sqlite_place, lambda store: store.catalog_version())


def test_a_reader_does_not_migrate(tmp_path: Path) -> None:
    sqlite.connect(tmp_path / sqlite.FILE_NAME).close()
    with pytest.raises(WrongSchema, match="ringbid serve"):
        open_reader(Settings(data=tmp_path))


def test_a_migration_that_breaks_off_leaves_nothing_behind(tmp_path: Path, postgres_cluster: Cluster) -> None:
    places = [
        StorePlace("sqlite", Settings(data=tmp_path), JumpingClock()),
        StorePlace("postgresql", Settings(database=postgres_cluster.create_database()), JumpingClock()),
    ]
    for place in places:
        with pytest.raises(ZeroDivisionError):
            _break_off(place)
        with migrating.engine_of(place.database, connector(place)).connect() as connection:
            assert _tables(connection) == set()
        run(place, lambda store: store.catalog_version())


def _break_off(place: StorePlace) -> None:
    with migrating.engine_of(place.database, connector(place)).begin() as connection:
        migrating.upgrade(connection)
        assert "ping" in _tables(connection)
        raise ZeroDivisionError


def _tables(connection: Connection) -> set[str]:
    from sqlalchemy import inspect

    return set(inspect(connection).get_table_names())


def test_processes_that_start_together_on_an_empty_database_migrate_it_once(postgres_cluster: Cluster) -> None:
    connect = partial(postgres.connect, postgres_cluster.create_database(), autocommit=False)
    errors: list[Exception] = []

    def migrate() -> None:
        try:
            migrating.migrate("postgresql", connect)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test fails with it
            errors.append(error)

    threads = [Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


FORBIDDEN = {
    "a state there is none of": "update reservation set state = 'perhaps'",
    "a negative payout": "update reservation set payout_micros = -1",
    "an end before the start": "update reservation set expires_at_ms = reserved_at_ms",
    "an end of what is open": "update reservation set ended_at_ms = 1",
    "an open end": "update reservation set state = 'released'",
    "a call without a limit": "update reservation set state = 'live', live_until_ms = null",
    "a second reservation of a ping": "insert into reservation select * from reservation",
    "a second place with a buyer": "insert into place select * from place",
    "a place that waits twice": "update place set waiting = 2",
    "a second open reservation of a caller": "insert into open_caller select * from open_caller",
    "a ping status there is none of": "update ping set status = 'maybe'",
    "a duplicate of nothing": "update ping set duplicate_order = 1",
    "a window of another kind": "insert into usage values ('acme/buyer/alpha', 0, 'weekly', 1)",
    "a window that counts nothing": "insert into usage values ('acme/buyer/alpha', 0, 'total', 0)",
    "a move by nobody": "insert into reservation_move values ('x', 'released', 'held', 1, 'nobody')",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_database_itself_forbids(place: StorePlace, what: str) -> None:
    async def story(store: Store) -> None:
        await store.reservations.settle(
            settlement(place_with(subject(concurrency=1)), at=START, caller_number=caller())
        )

    run(place, story)
    with (
        migrating.engine_of(place.database, connector(place)).begin() as connection,
        pytest.raises(IntegrityError),
    ):
        connection.execute(text(FORBIDDEN[what]))
