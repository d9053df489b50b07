"""Uuids of pings: their shape, their order, their time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ringbid.values.ids import PingId, made_at, new_ping_id, parse_ping_id

AT = datetime(2024, 5, 29, 16, 16, 18, 246_000, tzinfo=UTC)


def test_a_ping_id_is_a_uuid_of_version_7() -> None:
    for noise in (b"\x00" * 10, b"\xff" * 10, bytes(range(10))):
        uuid = UUID(new_ping_id(AT, lambda _, noise=noise: noise))
        assert (uuid.version, uuid.variant) == (7, "specified in RFC 4122")


def test_every_bit_of_the_noise_but_the_six_fixed_ones_is_kept() -> None:
    none = UUID(new_ping_id(AT, lambda _: b"\x00" * 10)).int
    all_ = UUID(new_ping_id(AT, lambda _: b"\xff" * 10)).int
    assert (none ^ all_).bit_count() == 74


def test_ten_random_bytes_are_asked_for_and_two_ids_of_one_moment_differ() -> None:
    asked: list[int] = []
    new_ping_id(AT, lambda count: asked.append(count) or b"\x00" * count)
    assert asked == [10]
    assert len({new_ping_id(AT) for _ in range(1000)}) == 1000


def test_ids_sort_by_time() -> None:
    last_of_this, first_of_next = (
        new_ping_id(AT, lambda _: b"\xff" * 10),
        new_ping_id(AT + timedelta(milliseconds=1), lambda _: b"\x00" * 10),
    )
    assert last_of_this < first_of_next


def test_an_id_tells_when_it_was_made_to_the_millisecond() -> None:
    assert made_at(new_ping_id(AT)) == AT
    assert made_at(new_ping_id(AT + timedelta(microseconds=999))) == AT


def test_other_uuids_do_not_tell_when_they_were_made() -> None:
    assert made_at(PingId("6ba7b810-9dad-11d1-80b4-00c04fd430c8")) is None
    assert made_at(PingId("1915260e-da0c-4443-a35b-8fb9d9843e42")) is None


def test_a_time_beyond_all_calendars_is_no_time() -> None:
    assert made_at(PingId("ffffffff-ffff-7fff-bfff-ffffffffffff")) is None


def test_an_id_is_read_in_any_letter_case() -> None:
    ping_id = new_ping_id(AT)
    assert parse_ping_id(ping_id.upper()) == parse_ping_id(ping_id) == ping_id


@pytest.mark.parametrize(
    "text", ["", "x", "1915260eda0c4443a35b8fb9d9843e42", "1915260e-da0c-4443-a35b-8fb9d9843e42\n", "g" * 36, "-" * 36]
)
def test_anything_else_is_no_id(text: str) -> None:
    assert parse_ping_id(text) is None
