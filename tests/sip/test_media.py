"""Sound, between two telephones made of PJSIP: directly, through rtpengine, and into a recording."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from ringbid.edge.telephony.sip.recording import Recordings
from support.certificates import make_certificates
from support.sip_desk import WAIT_SECONDS, FakeDesk, connect, dial
from support.sip_stage import NUMBER, Stage, perform
from support.tones import RATE, read_channels, share_of, write_tone

TALK_SECONDS = 2
MOST_LOST = 20  # packets, one every 20 ms: the first and the last few


async def talk(stage: Stage, desk: FakeDesk, *, transport: str = "udp") -> tuple[dict[str, object], dict[str, object]]:
    """A call in which the caller sounds 440 Hz and the buyer 880 Hz; what either phone saw."""
    folder = stage.folder
    desk.first = connect((dial(stage.buyer_uri(1)),))
    low = write_tone(folder / "440.wav", hertz=440, seconds=5)
    high = write_tone(folder / "880.wav", hertz=880, seconds=5)
    buyer = await stage.phone(stage.buyer_address(1), play=str(high), record=str(folder / "buyer.wav"))
    port, scheme = {"udp": (5060, ""), "tcp": (5060, ";transport=tcp"), "tls": (5061, ";transport=tls")}[transport]
    caller = await stage.phone(
        stage.carrier,
        call=f"sip:{NUMBER}@{stage.engine_address}:{port}{scheme}",
        talk_seconds=TALK_SECONDS,
        play=str(low),
        record=str(folder / "caller.wav"),
    )
    seen = await caller, await buyer
    assert all(end["answered"] and end["over"] for end in seen), seen
    await desk.wait_for("ended")
    return seen


def assert_packets_came(caller: dict[str, object], buyer: dict[str, object]) -> None:
    """Nearly all that the other end has sent."""
    for hearing, talking in ((caller, buyer), (buyer, caller)):
        received, sent = int(str(hearing["received"])), int(str(talking["sent"]))
        assert received >= max(sent - MOST_LOST, MOST_LOST), (hearing, talking)


def assert_both_heard(stage: Stage) -> None:
    [heard_by_buyer] = read_channels(stage.folder / "buyer.wav")
    [heard_by_caller] = read_channels(stage.folder / "caller.wav")
    assert share_of(heard_by_buyer, 440) > 0.8
    assert share_of(heard_by_caller, 880) > 0.8


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_sound_goes_both_ways_directly(tmp_path: Path, transport: str) -> None:
    desk = FakeDesk()
    make_certificates(tmp_path)

    async def play(stage: Stage) -> None:
        caller, buyer = await talk(stage, desk, transport=transport)
        assert_packets_came(caller, buyer)
        assert str(caller["remote"]).startswith(stage.buyer_address(1))
        assert_both_heard(stage)

    certificate = {"certificate_file": tmp_path / "server.pem", "key_file": tmp_path / "server.key"}
    perform(play, tmp_path, desk, transports=("udp", "tcp", "tls"), **certificate)


def test_sound_goes_both_ways_through_rtpengine(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        caller, buyer = await talk(stage, desk)
        assert_packets_came(caller, buyer)
        assert str(caller["remote"]).startswith(f"{stage.engine_address}:")
        assert str(buyer["remote"]).startswith(f"{stage.engine_address}:")
        assert_both_heard(stage)

    perform(play, tmp_path, desk, media="relay")


def test_without_rtpengine_the_sound_goes_directly(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        await stage.engine.kill_media()
        caller, _ = await talk(stage, desk)
        assert str(caller["remote"]).startswith(stage.buyer_address(1))
        assert_both_heard(stage)

    perform(play, tmp_path, desk, media="relay")


def test_a_recording_has_the_caller_on_the_left_and_the_buyer_on_the_right(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        await talk(stage, desk)
        [path] = await asyncio.to_thread(wait_for_recordings, Recordings(stage.settings))
        [answered], [ended] = await desk.wait_for("answered"), desk.told("ended")
        assert path.name == f"{answered.attempt_id}.wav"
        left, right = read_channels(path)
        assert share_of(left, 440) > 0.8
        assert share_of(right, 880) > 0.8
        assert TALK_SECONDS - 0.2 <= len(left) / RATE <= (ended.at - answered.at).total_seconds() + 0.2
        assert path.stat().st_mode & 0o777 == 0o600
        assert [each.name for each in path.parent.glob("raw/*/*")] == []

    perform(play, tmp_path, desk, media="record")


def wait_for_recordings(recordings: Recordings) -> list[Path]:
    """rtpengine finishes its files a moment after the call."""
    ends_at = time.monotonic() + WAIT_SECONDS
    while not (made := recordings.convert_new()):
        assert time.monotonic() < ends_at, "nothing was recorded"
        time.sleep(0.05)
    return made
