"""Settings become Kamailio's configuration: what is written, what is refused, and that Kamailio takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ringbid.edge.telephony.sip.config import WrongSipSettings, render_config, write_config
from ringbid.edge.telephony.sip.engine import check_config, find_missing
from ringbid.settings import Settings, Sip


def settings(**changes: Any) -> Settings:
    return Settings(database=changes.pop("database", None), sip=Sip(**{"domain": "sip.example.org", **changes}))


def test_the_defaults_are_a_configuration_that_kamailio_takes(tmp_path: Path) -> None:
    assert check_config(write_config(settings(), tmp_path)) is None


def test_everything_at_once_is_a_configuration_that_kamailio_takes(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("pub1:secret\n")
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("")
    everything = settings(
        listen_addresses=("udp:192.0.2.1:5060", "tcp:192.0.2.1:5060", "tls:[2001:db8::1]:5061"),
        advertised_address="198.51.100.7",
        certificate_file=tmp_path / "cert.pem",
        key_file=tmp_path / "key.pem",
        trusted_networks=("192.0.2.0/24", "2001:db8::/32"),
        users_file=tmp_path / "users",
        media="record",
        hiding_key="k3y",
        database="postgresql://ringbid:secret@db.example.org:5432/ringbid",
    )
    written = write_config(everything, tmp_path / "sip")
    problem = check_config(written)
    assert problem is None or "key.pem" in problem, problem  # empty certificates are all that is wrong with it
    assert "1 [2001:db8::] 32" in (tmp_path / "sip" / "trusted.list").read_text()
    assert "advertise 198.51.100.7" in (tmp_path / "sip" / "settings.cfg").read_text()


def test_only_its_owner_can_read_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("pub1:secret\n")
    write_config(settings(users_file=tmp_path / "users"), tmp_path / "sip")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "sip").iterdir()} == {0o600}


def test_a_data_folder_that_the_configuration_is_the_first_to_need_is_private(tmp_path: Path) -> None:
    write_config(settings(), tmp_path / "data" / "sip")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "data", tmp_path / "data" / "sip")} == {0o700}


def test_passwords_are_not_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("# ours\n\npub1:hunter2:more\n")
    rendered = render_config(settings(users_file=tmp_path / "users"))
    assert "$sht(users=>pub1)" in rendered["users.cfg"]
    assert not any("hunter2" in text for text in rendered.values())


def test_a_configuration_that_kamailio_does_not_take_is_told(tmp_path: Path) -> None:
    main_file = write_config(settings(), tmp_path)
    with (tmp_path / "routes.cfg").open("a") as routes:
        routes.write("route[BROKEN] {\n")
    assert "syntax error" in (check_config(main_file) or "")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"domain": None}, "sip.domain"),
        ({"domain": 'a"b'}, "sip.domain"),
        ({"listen_addresses": ()}, "sip.listen_addresses"),
        ({"listen_addresses": ("udp:sip.example.org:5060",)}, "sip.listen_addresses"),
        ({"listen_addresses": ("tls:192.0.2.1:5061",)}, "sip.certificate_file"),
        (
            {
                "listen_addresses": ("tls:192.0.2.1:5061",),
                "certificate_file": Path("/nowhere/cert.pem"),
                "key_file": Path("/nowhere/key.pem"),
            },
            "/nowhere/cert.pem",
        ),
        ({"trusted_networks": ("192.0.2.1/24",)}, "sip.trusted_networks"),
        ({"users_file": Path("/nowhere/users")}, "sip.users_file"),
        ({"router_address": "8448"}, "sip.router_address"),
        ({"control_address": "localhost;rm:1"}, "sip.control_address"),
        ({"hiding_key": "with space"}, "sip.hiding_key"),
        ({"database": "mysql://a@b/c"}, "sip.database"),
        ({"database": "postgresql://a@b/c?sslmode=require"}, "sip.database"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(WrongSipSettings, match=named):
        render_config(settings(**changes))


@pytest.mark.parametrize("line", ["pub1", "pub1:", "pub 1:secret", ":secret"])
def test_a_line_of_users_that_is_none_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "users").write_text(f"pub0:secret\n{line}\n")
    with pytest.raises(WrongSipSettings, match="line 2"):
        render_config(settings(users_file=tmp_path / "users"))


def test_the_stores_database_is_the_engines_unless_another_is_named() -> None:
    stores = render_config(settings(database="postgresql://a@store/x"))["settings.cfg"]
    assert "postgres://a@store/x" in stores
    own = Settings(database="postgresql://a@store/x", sip=Sip(domain="d", database="postgresql://b@engine/y"))
    assert "postgres://b@engine/y" in render_config(own)["settings.cfg"]


def test_nothing_is_missing_on_a_machine_that_can_run_the_sip_tests() -> None:
    assert find_missing(settings(media="record")) == ()


@pytest.mark.parametrize("password", ["with!mark", "a|b!c", "~;^"])
def test_a_database_password_may_have_what_kamailio_separates_by(tmp_path: Path, password: str) -> None:
    wanted = settings(database=f"postgresql://ringbid:{password}@db.example.org/ringbid")
    assert check_config(write_config(wanted, tmp_path)) is None


def test_a_database_password_that_kamailio_would_not_read_as_it_is_is_refused_without_showing_it() -> None:
    with pytest.raises(WrongSipSettings, match="DATABASE_URL") as refused:
        render_config(settings(database="postgresql://ringbid:hunter$2@db.example.org/ringbid"))
    assert "hunter" not in str(refused.value)
