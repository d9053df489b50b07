"""The record log is read to the end, once, and a record that was counted and never came is missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbid.edge.telephony.sip.record_log import RecordLog, record_key

KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def known_key(tmp_path: Path) -> None:
    (tmp_path / "records.key").write_text(KEY)


def line(number: int, key: str = KEY) -> str:
    return (
        f' 3(123) ALERT: {{1 BYE a}} <script>: {key} RINGBID-RECORD {{"boot":1,"number":{number},"call":"YQ==",'
        '"attempt":"a","started":"1.0","ended":"2.0","by":"caller"}\n'
    )


def write(folder: Path, log: int, *texts: str) -> None:
    with (folder / f"engine-{log:08d}.log").open("a") as file:
        file.write("".join(texts))


def numbers(log: RecordLog) -> list[int]:
    found = [record.number for record in log.read().records]
    log.remember()
    return found


def test_lines_are_read_once_also_by_the_next_reader(tmp_path: Path) -> None:
    write(tmp_path, 1, "Listening on\n", line(1), " 0(1) ERROR: something else\n", line(2))
    assert numbers(RecordLog(tmp_path)) == [1, 2]
    assert numbers(RecordLog(tmp_path)) == []
    write(tmp_path, 1, line(3))
    assert numbers(RecordLog(tmp_path)) == [3]


def test_what_was_not_remembered_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, 1, line(1))
    assert [record.number for record in RecordLog(tmp_path).read().records] == [1]
    assert numbers(RecordLog(tmp_path)) == [1]


def test_a_line_that_is_being_written_waits_for_its_end(tmp_path: Path) -> None:
    log = RecordLog(tmp_path)
    write(tmp_path, 1, line(1), line(2)[:60])
    assert numbers(log) == [1]
    write(tmp_path, 1, line(2)[60:])
    assert numbers(log) == [2]


def test_the_logs_of_all_starts_are_read_in_order(tmp_path: Path) -> None:
    for start in (1, 2, 3):
        write(tmp_path, start, line(1), line(2))
    log = RecordLog(tmp_path)
    assert [numbers(log) for _ in range(4)] == [[1, 2], [1, 2], [1, 2], []]


def test_numbers_that_overtake_each_other_are_not_missing(tmp_path: Path) -> None:
    log = RecordLog(tmp_path)
    write(tmp_path, 1, line(1), line(3))
    assert (numbers(log), log.missing) == ([1, 3], 1)
    write(tmp_path, 1, line(2))
    assert (numbers(log), log.missing) == ([2], 0)


def test_a_number_that_never_came_is_a_lost_record_once_kamailio_has_ended(tmp_path: Path) -> None:
    log = RecordLog(tmp_path)
    write(tmp_path, 1, line(1), line(4))
    assert numbers(log) == [1, 4]
    write(tmp_path, 2, line(1))
    read = log.read()
    assert (read.lost, [record.number for record in read.records]) == (2, [1])


def test_a_line_that_cannot_be_read_is_counted_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    write(tmp_path, 1, f"{KEY} RINGBID-RECORD {{broken\n", line(2))
    read = RecordLog(tmp_path).read()
    assert (read.unreadable, [record.number for record in read.records]) == (1, [2])


def test_old_logs_that_were_read_are_removed_in_the_end(tmp_path: Path) -> None:
    for start in range(1, 26):
        write(tmp_path, start, line(1))
    log = RecordLog(tmp_path)
    while numbers(log):
        pass
    assert len(list(tmp_path.glob("engine-*.log"))) == 20


def test_a_folder_without_logs_has_no_records(tmp_path: Path) -> None:
    log = RecordLog(tmp_path)
    assert numbers(log) == []


def test_a_line_without_the_key_is_what_a_stranger_had_kamailio_quote(tmp_path: Path) -> None:
    write(tmp_path, 1, line(9, key=""), line(9, key="guessed"), line(1))
    log = RecordLog(tmp_path)
    assert (numbers(log), log.missing) == ([1], 0)


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "sip"
    key = record_key(folder)
    assert len(key) == 32
    assert record_key(folder) == key
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]


def test_a_place_that_a_power_cut_has_emptied_is_the_beginning(tmp_path: Path) -> None:
    write(tmp_path, 1, line(1))
    (tmp_path / "records.json").write_bytes(b"")
    assert numbers(RecordLog(tmp_path)) == [1]
