"""What is known of calls after a crash: events wait, records are read to the end, forgotten calls are closed."""

from __future__ import annotations

import asyncio
import shutil
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from ringbid.call.event import CallEvent
from ringbid.edge.telephony.sip.config import engine_connections
from ringbid.edge.telephony.sip.records import OpenCall
from ringbid.store.engine_tables import EngineTables, create_engine_tables
from ringbid.values.clock import SystemClock
from support.postgres import Cluster
from support.sip_desk import WAIT_SECONDS, FakeDesk, connect, dial
from support.sip_records import reconciler, rows_of
from support.sip_scenarios import buyer, caller, silent_buyer
from support.sip_stage import Finished, Stage, perform, until

MOMENT = timedelta(milliseconds=1)  # times are rounded to it


def _count_connections(url: str, *, at_least: int) -> int:
    """Those of others than us to this database: Kamailio answers before its last process has connected."""
    ends_at = time.monotonic() + WAIT_SECONDS
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            row = connection.execute(
                b"select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            ).fetchone()
            assert row is not None
            if row[0] >= at_least or time.monotonic() > ends_at:
                return int(row[0])
            time.sleep(0.02)


def assert_measured(record: CallEvent, called: Finished, desk: FakeDesk, *, talk_ms: int) -> None:
    """From the answer to the hang-up, between what the caller, who talked for so long, and Kamailio saw around them."""
    answered, *_, over = called.moments("received", "SIP/2.0 200")
    acknowledged, *_ = called.moments("sent", "ACK ")
    talked = timedelta(milliseconds=talk_ms * 0.9)  # SIPp rounds its pauses
    assert record.started_at is not None
    assert desk.told("ringing")[0].at <= record.started_at <= answered + MOMENT
    assert acknowledged + talked <= record.at <= over + MOMENT
    assert record.duration_ms is not None
    assert abs(record.at - record.started_at - timedelta(milliseconds=record.duration_ms)) <= MOMENT


def test_ends_that_come_while_no_server_is_there_are_told_to_the_next(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer(ring_ms=0), calls=20)
        calling = await stage.start_call(caller(waits_for_bye=True), "-r", "100", calls=20)
        answered = await desk.wait_for("answered", 20)
        await stage.wait_until_talking(20)
        await stage.disconnect_routers()
        for event in answered:
            assert await stage.commands.hang_up(event.provider_call_id)
        (await calling).check()
        later = FakeDesk()
        await stage.connect_router(later)
        ended = await later.wait_for("ended", 20)
        assert len({event.event_id for event in ended}) == 20
        assert {event.provider_call_id for event in ended} == {event.provider_call_id for event in answered}

    perform(play, tmp_path, desk)


def test_an_event_is_told_until_the_desk_has_taken_note_of_it(tmp_path: Path) -> None:
    class Forgetful(FakeDesk):
        refused: int = 0

        async def report(self, event: CallEvent) -> None:
            if event.kind == "ended" and self.refused < 1:
                self.refused += 1
                raise TimeoutError
            await super().report(event)

    desk = Forgetful()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer())
        (await stage.call(caller())).check()
        await desk.wait_for("ended")
        assert desk.refused == 1

    perform(play, tmp_path, desk)


def test_a_record_has_the_time_from_the_answer_to_the_hang_up(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        attempt = dial(stage.buyer_uri(1))
        desk.first = connect((attempt,))
        await stage.buyer(1, buyer())
        called = (await stage.call(caller(talk_ms=1000))).check()
        await desk.wait_for("ended")
        await reconciler(stage, desk).read_records()
        [record] = desk.told("record")
        assert_measured(record, called, desk, talk_ms=1000)
        assert (record.attempt_id, record.ended_by) == (attempt.attempt_id, "caller")

    perform(play, tmp_path, desk)


def test_records_are_read_once_however_often_the_reader_starts(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer(ring_ms=0), calls=6)
        for _ in range(2):
            (await stage.call(caller(talk_ms=50), calls=3)).check()
            await desk.wait_for("ended", len(desk.told("record")) + 3)
            for _ in range(2):
                await reconciler(stage, desk).read_records()
            await stage.engine.kill()
            await stage.engine.start()
        assert len(desk.told("record")) == 6

    perform(play, tmp_path, desk)


def test_a_killed_engine_loses_events_but_no_records(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer())
        calling = await stage.start_call(caller(talk_ms=300))
        await desk.wait_for("answered")
        await stage.disconnect_routers()
        (await calling).check()
        await stage.engine.kill()
        await stage.engine.start()
        later = FakeDesk()
        await reconciler(stage, later).read_records()
        assert [event.kind for event in later.events] == ["answered", "ended", "record"]

    perform(play, tmp_path, desk)


def test_a_call_that_a_killed_engine_has_forgotten_is_closed_at_its_last_proof_of_life(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        attempt = dial(stage.buyer_uri(1))
        desk.first = connect((attempt,))
        await stage.buyer(1, buyer())
        await stage.start_call(caller(talk_ms=60_000))
        [answered] = await desk.wait_for("answered")
        call = OpenCall(
            provider_call_id=answered.provider_call_id,
            since=answered.at,
            attempt_id=attempt.attempt_id,
            answered_at=answered.at,
        )
        seen_after = SystemClock().now()
        await reconciler(stage, desk, call).compare_live()
        seen_before = SystemClock().now()
        assert desk.told("record") == []
        await stage.engine.kill()
        await stage.engine.start()
        await reconciler(stage, desk, call).compare_live()
        [record] = desk.told("record")
        assert (record.ended_by, record.attempt_id) == ("engine", attempt.attempt_id)
        assert seen_after - MOMENT <= record.at <= seen_before
        assert record.started_at == answered.at

    perform(play, tmp_path, desk)


def test_a_ringing_call_that_a_killed_engine_has_forgotten_is_nobodys(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1), ring_seconds=60),))
        await stage.buyer(1, silent_buyer())
        await stage.start_call(caller())
        [ringing] = await desk.wait_for("ringing")
        call = OpenCall(provider_call_id=ringing.provider_call_id, since=ringing.at)
        await reconciler(stage, desk, call).compare_live()
        assert desk.told("unanswered") == []
        await stage.engine.kill()
        await stage.engine.start()
        await reconciler(stage, desk, call).compare_live()
        assert [event.code for event in desk.told("unanswered")] == [503]

    perform(play, tmp_path, desk)


def test_a_forgotten_call_may_still_be_ended_by_its_caller(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        attempt = dial(stage.buyer_uri(1))
        desk.first = connect((attempt,))
        answering = await stage.buyer(1, buyer())
        calling = await stage.start_call(caller(talk_ms=4000))
        [answered] = await desk.wait_for("answered")
        await stage.wait_until_talking()
        await stage.engine.kill()
        await stage.engine.start()
        (await calling).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        call = OpenCall(
            provider_call_id=answered.provider_call_id,
            since=answered.at,
            attempt_id=attempt.attempt_id,
            answered_at=answered.at,
            ended_at=ended.at,
        )
        await reconciler(stage, desk, call).compare_live()
        [record] = desk.told("record")
        assert (record.started_at, record.at) == (answered.at, ended.at)

    perform(play, tmp_path, desk)


def test_an_answer_that_comes_after_a_restart_connects_nobody(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer(ring_ms=3000))
        calling = await stage.start_call(caller())
        await desk.wait_for("ringing")
        await stage.engine.kill()
        await stage.engine.start()
        said = stage.seen().count("SIP/2.0 200 OK")

        async def answered_again() -> bool:
            return stage.seen().count("SIP/2.0 200 OK") >= said + 2

        await until(answered_again, "two more answers of the buyer")
        stage.hang_up_all()
        assert "200 OK" not in (await calling).messages
        assert desk.told("answered") == []

    perform(play, tmp_path, desk)


@pytest.mark.parametrize(("workers", "transports"), [(2, ("udp",)), (3, ("udp", "tcp"))])
def test_kamailio_keeps_as_many_connections_as_the_doctor_counts(
    tmp_path: Path, engine_database: str, workers: int, transports: tuple[str, ...]
) -> None:
    async def play(stage: Stage) -> None:
        counted = engine_connections(stage.settings)
        assert await asyncio.to_thread(_count_connections, engine_database, at_least=counted) == counted

    perform(play, tmp_path, FakeDesk(), database=engine_database, workers=workers, transports=transports)


def test_with_a_database_a_call_outlives_the_engine(tmp_path: Path, engine_database: str) -> None:
    desk = FakeDesk()
    table = EngineTables(engine_database)

    async def play(stage: Stage) -> None:
        attempt = dial(stage.buyer_uri(1))
        desk.first = connect((attempt,))
        answering = await stage.buyer(1, buyer())
        calling = await stage.start_call(caller(talk_ms=5000))
        [answered] = await desk.wait_for("answered")
        await stage.wait_until_talking()
        await stage.engine.kill()
        await stage.engine.start()
        assert [each.call_id for each in await stage.commands.dialogs()] == [answered.provider_call_id]
        called = (await calling).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        assert ended.ended_by == "caller"
        await rows_of(table)
        later = FakeDesk()
        await reconciler(stage, later, table=table).read_records()
        records = {event.event_id: event for event in later.told("record")}
        [record] = records.values()
        assert_measured(record, called, desk, talk_ms=5000)
        assert (record.attempt_id, record.ended_by) == (attempt.attempt_id, "caller")

    perform(play, tmp_path, desk, database=engine_database)
    assert table.unnoted(10) == []
    table.close()


@pytest.mark.parametrize("ended_by", ["caller", "buyer", "engine"])
def test_the_table_of_records_says_how_each_call_ended(tmp_path: Path, engine_database: str, ended_by: str) -> None:
    desk = FakeDesk()
    table = EngineTables(engine_database)

    async def play(stage: Stage) -> None:
        attempt = dial(stage.buyer_uri(1), longest_seconds=3 if ended_by == "engine" else 60)
        desk.first = connect((attempt,))
        await stage.buyer(1, buyer(hangs_up_after_ms=200 if ended_by == "buyer" else None))
        (await stage.call(caller(talk_ms=200, waits_for_bye=ended_by != "caller"))).check()
        await desk.wait_for("ended")
        rows = await rows_of(table)
        [(_, call_id, attempt_id, started, ended, by, duration)] = rows
        assert (call_id, attempt_id, by) == (desk.arrivals[0].provider_call_id, attempt.attempt_id, ended_by)
        assert float(ended) - float(started) == pytest.approx(duration, abs=0.1)

    perform(play, tmp_path, desk, database=engine_database)
    table.close()


def test_calls_go_on_and_are_recorded_while_the_database_is_away(tmp_path: Path) -> None:
    desk = FakeDesk()
    cluster = Cluster.start()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer(ring_ms=0), calls=5)
        await asyncio.to_thread(cluster.kill)
        (await stage.call(caller(talk_ms=100), "-r", "20", calls=5)).check()
        await desk.wait_for("ended", 5)
        await reconciler(stage, desk).read_records()
        assert len({record.provider_call_id for record in desk.told("record")}) == 5

    try:
        url = cluster.create_database()
        create_engine_tables(url)
        perform(play, tmp_path, desk, database=url)
    finally:
        shutil.rmtree(cluster.folder)
