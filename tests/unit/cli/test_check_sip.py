"""What `ringbid doctor` says of the phone side, with a Kamailio that answers and an rtpengine that may not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from ringbid.cli.checks import Finding
from ringbid.cli.sip import check_sip
from ringbid.edge.telephony.sip.commands import EngineCommands
from ringbid.settings import Settings, Sip


@pytest.fixture(autouse=True)
def kamailio_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def uptime_seconds(_: EngineCommands) -> float:
        return 5.0

    monkeypatch.setattr(EngineCommands, "uptime_seconds", uptime_seconds)


@pytest.fixture
def rtpengine() -> Iterator[str]:
    """The address of something that answers pings as rtpengine does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def answer() -> None:
            _, asking = listening.recvfrom(1000)
            listening.sendto(b"ringbid d6:result4:ponge", asking)

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nothing answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{silent.getsockname()[1]}"


def found(**sip: str) -> Finding:
    return check_sip(Settings(sip=Sip.model_validate({"domain": "sip.example.org", **sip})))


@pytest.mark.parametrize(
    ("media", "meanwhile"), [("relay", "media go directly"), ("record", "media go directly, and nothing is recorded")]
)
def test_an_rtpengine_that_does_not_answer_is_doubtful(media: str, meanwhile: str, nobody: str) -> None:
    said = f"rtpengine does not answer at {nobody}: {meanwhile}"
    assert found(media=media, rtpengine_address=nobody) == Finding("Phones", "doubtful", said, "ringbid sip run")


def test_phones_whose_media_are_led_through_an_rtpengine_that_answers_are_ok(rtpengine: str) -> None:
    assert found(media="record", rtpengine_address=rtpengine).state == "ok"


def test_nobody_misses_an_rtpengine_where_media_go_directly_anyway(nobody: str) -> None:
    assert found(rtpengine_address=nobody).state == "ok"
