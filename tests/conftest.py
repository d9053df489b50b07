"""Fixtures for every test: a store on each database. A machine without PostgreSQL fails its tests; none is skipped."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from ringbid.settings import Settings
from ringbid.store.engine_tables import create_engine_tables
from ringbid.store.opening import open_store
from ringbid.store.schema import metadata
from ringbid.store.sqlite import FILE_NAME
from support.clocks import JumpingClock
from support.postgres import Cluster
from support.stores import StorePlace

# How long an example takes tells of the machine, not of Ringbid.
settings.register_profile("ringbid", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ringbid")


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """This test process's own server."""
    cluster = Cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def postgres_tables(postgres_cluster: Cluster) -> str:
    """A database with all tables. Its tests empty it: making one for each would take half a second a test."""
    url = postgres_cluster.create_database()
    _make_tables(Settings(database=url))
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables and no rows."""
    folder = tmp_path_factory.mktemp("template")
    _make_tables(Settings(data=folder))
    return folder / FILE_NAME


@pytest.fixture
def postgres_url(postgres_tables: str) -> Iterator[str]:
    """A migrated database without a row."""
    yield postgres_tables
    names = ", ".join(table.name for table in metadata.sorted_tables)
    with psycopg.connect(postgres_tables) as connection:
        connection.execute(f"truncate {names} restart identity".encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, clock: JumpingClock) -> StorePlace:
    """Where this test's store is: once on SQLite, once on PostgreSQL."""
    if request.param == "postgresql":
        return StorePlace("postgresql", Settings(database=request.getfixturevalue("postgres_url")), clock)
    return _copied_place(tmp_path, request.getfixturevalue("sqlite_template"), clock)


@pytest.fixture
def engine_database(postgres_cluster: Cluster) -> Iterator[str]:
    """A database with the tables that Kamailio writes."""
    url = postgres_cluster.create_database()
    create_engine_tables(url)
    yield url
    with psycopg.connect(postgres_cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(f"drop database {url.rpartition('/')[2]} with (force)".encode())


@pytest.fixture
def sqlite_place(tmp_path: Path, sqlite_template: Path, clock: JumpingClock) -> StorePlace:
    """A store for what is true of SQLite only."""
    return _copied_place(tmp_path, sqlite_template, clock)


@pytest.fixture
def postgres_place(postgres_url: str, clock: JumpingClock) -> StorePlace:
    """A store for what is true of PostgreSQL only."""
    return StorePlace("postgresql", Settings(database=postgres_url), clock)


def _copied_place(folder: Path, template: Path, clock: JumpingClock) -> StorePlace:
    data = folder / "data"
    data.mkdir()
    shutil.copy(template, data / FILE_NAME)
    return StorePlace("sqlite", Settings(data=data), clock)


def _make_tables(settings: Settings) -> None:
    async def make() -> None:
        store = await open_store(settings, JumpingClock())
        await store.close()

    asyncio.run(make())
