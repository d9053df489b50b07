"""The doctor's checks, each with good and bad facts."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ringbid.catalog.model import Campaign, Catalog, Company
from ringbid.cli import checks
from ringbid.settings import Outbound, Settings, Sip
from ringbid.store.opening import Facts
from ringbid.values.ids import CampaignId, CompanyId

NOW = datetime(2026, 3, 4, 10, 14, 18, tzinfo=UTC)


@pytest.mark.parametrize(("version", "state"), [((3, 10, 9), "broken"), ((3, 11, 0), "ok"), ((3, 14, 1), "ok")])
def test_python_is_new_enough_from_3_11_on(version: tuple[int, ...], state: str) -> None:
    assert checks.check_python(version).state == state


SQLITE = Facts(
    database="sqlite",
    version="3.51.3",
    place="data/ringbid.sqlite",
    size_bytes=1_250_000,
    wal_reset_bug=False,
    now=None,
)


def test_a_sound_sqlite_is_told_with_version_place_and_size() -> None:
    store, clock = checks.check_store(SQLITE, now=NOW)
    assert (store.state, store.found) == ("ok", "sqlite 3.51.3, data/ringbid.sqlite, 1.2 MB")
    assert clock.state == "ok"


def test_an_sqlite_with_the_wal_reset_bug_is_doubtful_and_said_to_be_safe_with_one_writer() -> None:
    assert checks.check_sqlite("3.51.3", False).state == "ok"
    found = checks.check_sqlite("3.40.1", True)
    assert found.state == "doubtful"
    assert "with one writer it is not met" in found.found


@pytest.mark.parametrize(("late_seconds", "state"), [(0, "ok"), (1, "ok"), (90, "doubtful"), (-90, "doubtful")])
def test_a_clock_that_differs_from_the_databases_is_doubtful(late_seconds: int, state: str) -> None:
    facts = replace(SQLITE, database="postgresql", wal_reset_bug=None, now=NOW + timedelta(seconds=late_seconds))
    _, clock = checks.check_store(facts, now=NOW)
    assert clock.state == state
    assert clock.found == f"{-late_seconds:+.1f} s from the database's"


def test_a_postgresql_that_allows_fewer_connections_than_are_kept_is_broken() -> None:
    phones = Settings(sip=Sip(domain="sip.example.org", workers=16))
    assert checks.check_connections(97, Settings()).state == "ok"
    assert checks.check_connections(97, phones).state == "ok"
    found = checks.check_connections(47, phones)
    assert (found.state, found.found) == ("broken", "PostgreSQL allows 47; a server keeps up to 10, Kamailio 56")
    assert "max_connections = 132" in (found.mend or "")
    elsewhere = Settings(sip=Sip(domain="sip.example.org", workers=16, database="postgresql://other/kamailio"))
    assert checks.check_connections(47, elsewhere).state == "ok"


def test_this_machine_has_time_zones_and_the_fast_event_loop() -> None:
    assert checks.check_time_zones().state == "ok"
    assert checks.check_event_loop().state == "ok"


def test_a_taken_port_is_doubtful_and_names_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = checks.check_port("127.0.0.1", port)
    assert (found.state, found.found) == ("doubtful", f"127.0.0.1:{port}: Address already in use")
    assert f"--port {port + 1}" in (found.mend or "")
    assert checks.check_port("127.0.0.1", 0).state == "ok"


def test_a_private_data_folder_is_ok_and_one_that_others_may_read_is_doubtful(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert checks.check_folder(tmp_path).state == "ok"
    tmp_path.chmod(0o755)
    assert checks.check_folder(tmp_path).mend == f"chmod 700 {tmp_path}"


def test_a_data_folder_that_is_not_there_yet_is_ok_and_a_file_in_its_place_is_broken(tmp_path: Path) -> None:
    assert checks.check_folder(tmp_path / "a" / "b").state == "ok"
    (tmp_path / "file").touch()
    assert checks.check_folder(tmp_path / "file").state == "broken"


def test_a_data_folder_that_cannot_be_written_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.os, "access", lambda path, mode: False)  # root, who may run this, may write everywhere
    assert checks.check_folder(tmp_path).state == "broken"
    assert checks.check_folder(tmp_path / "inner").state == "broken"


@pytest.mark.parametrize(("free", "state"), [(10**10, "ok"), (5 * 10**8, "doubtful"), (10**6, "broken")])
def test_room_on_the_disk_is_judged(free: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = checks.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: usage._replace(free=free))
    assert checks.check_disk(tmp_path / "not there").state == state


@pytest.mark.parametrize(("allowed", "state"), [(False, "ok"), (True, "doubtful")])
def test_letting_buyers_urls_into_the_private_network_is_doubtful(allowed: bool, state: str) -> None:
    assert checks.check_outbound(Settings(outbound=Outbound(allow_private=allowed))).state == state


def test_no_catalog_is_doubtful_and_doubts_of_a_catalog_are_findings() -> None:
    catalog = Catalog(company=Company(id=CompanyId("acme"), name="Acme"))
    (none,) = checks.check_catalogs([], Settings())
    (fine,) = checks.check_catalogs([catalog], Settings())
    doubtful = replace(catalog, campaigns=(Campaign(id=CampaignId("auto"), name="Auto"),))
    found = list(checks.check_catalogs([doubtful], Settings()))
    assert (none.state, fine.state) == ("doubtful", "ok")
    assert [finding.state for finding in found] == ["doubtful"] * len(found)
    assert found[0].found == "campaigns[auto].rtb_keys: no key, so nobody can ping it"
