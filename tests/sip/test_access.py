"""Who may call, and from where; what is believed of what they send; over which transports."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from pathlib import Path

import pytest

from ringbid.edge.telephony.sip.record_log import RecordLog
from support.sip_desk import WAIT_SECONDS, FakeDesk, connect, dial
from support.sip_scenarios import buyer, caller, options, password_caller, stray_bye
from support.sip_stage import Stage, perform, until

RESERVATION = "01890a5d-ac96-774b-bcce-b302099a8057"
PASSPORT = ".".join(  # a PASSporT as carriers sign it: nobody here checks the signature
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "ES256", "ppt": "shaken", "typ": "passport"}, {"attest": "B", "orig": {"tn": "12025550123"}})
)


def test_an_unknown_address_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        (await stage.call(caller(final=403), source=stage.stranger)).check()
        assert desk.arrivals == []
        assert f"refused: {stage.stranger}" in stage.log()

    perform(play, tmp_path, desk)


def test_a_flood_from_an_unknown_address_is_not_even_answered(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        flood = await stage.call(options(code=None), "-r", "200", source=stage.stranger, calls=400)
        assert 0 < len(flood.received()) < 50, "only what came before it was one"
        (await stage.call(options())).check()

    perform(play, tmp_path, desk, flood_requests=10)


def test_a_publisher_may_call_from_anywhere_with_its_password(tmp_path: Path) -> None:
    desk = FakeDesk()
    users = tmp_path / "users"
    users.write_text("# our publishers\npub1:s3cret:with colon\n")

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        answering = await stage.buyer(1, buyer())
        arguments = ("-au", "pub1", "-ap", "s3cret:with colon")
        (await stage.call(password_caller(), *arguments, source=stage.stranger)).check()
        taken = (await answering).check()
        assert "Proxy-Authorization" not in taken.messages
        [arrival] = desk.arrivals
        assert dict(arrival.tags) == {}, "what a publisher asserts about its callers is its own word"

    perform(play, tmp_path, desk, users_file=users)


def test_a_wrong_password_is_challenged_again_and_reaches_nobody(tmp_path: Path) -> None:
    desk = FakeDesk()
    users = tmp_path / "users"
    users.write_text("pub1:s3cret\n")

    async def play(stage: Stage) -> None:
        arguments = ("-au", "pub1", "-ap", "guess")
        (await stage.call(password_caller(final=407), *arguments, source=stage.stranger)).check()
        arguments = ("-au", "nobody", "-ap", "guess")
        (await stage.call(password_caller(final=407), *arguments, source=stage.stranger)).check()
        assert desk.arrivals == []

    perform(play, tmp_path, desk, users_file=users)


def test_nobody_else_can_end_a_call(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        answering = await stage.buyer(1, buyer())
        calling = await stage.start_call(caller(talk_ms=3000))
        [answered] = await desk.wait_for("answered")
        copied = ("-cid_str", answered.provider_call_id)
        (await stage.call(stray_bye(), *copied, source=stage.stranger)).check()
        (await calling).check()
        taken = (await answering).check()
        assert taken.messages.count("BYE sip:") == 1
        assert [event.ended_by for event in await desk.wait_for("ended")] == ["caller"]

    perform(play, tmp_path, desk)


def test_a_call_comes_in_over_tcp_and_goes_out_over_udp(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        answering = await stage.buyer(1, buyer())
        (await stage.call(caller(), "-t", "t1")).check()
        (await answering).check()
        assert [event.ended_by for event in await desk.wait_for("ended")] == ["caller"]

    perform(play, tmp_path, desk)


def test_a_reservation_is_claimed_by_its_uuid_without_a_caller_number(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        anonymous = '"Anonymous" <sip:anonymous@anonymous.invalid>'
        (await stage.call(caller(final=480, from_=anonymous), dialled=RESERVATION)).check()
        [arrival] = desk.arrivals
        assert (arrival.reservation_id, arrival.caller_number) == (RESERVATION, None)

    perform(play, tmp_path, desk)


@pytest.mark.parametrize(
    ("headers", "tags"),
    [
        ("", {}),
        (
            "P-Asserted-Identity: <sip:+12025550188;verstat=TN-Validation-Passed-A@carrier.example>",
            {"stir_attestation": "A", "stir_verified": "true"},
        ),
        ("P-Asserted-Identity: <tel:+12025550188;verstat=TN-Validation-Failed-C>", {"stir_verified": "false"}),
        (
            f"Identity: {PASSPORT}.c2ln;info=<https://c.example/a.pem>",
            {"stir_attestation": "B", "stir_verified": "false"},
        ),
    ],
)
def test_what_the_network_says_of_the_caller_becomes_tags(tmp_path: Path, headers: str, tags: dict[str, str]) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        (await stage.call(caller(final=480, headers=headers))).check()
        [arrival] = desk.arrivals
        assert dict(arrival.tags) == tags
        assert arrival.caller_number == ("+12025550188" if "Asserted" in headers else "+12025550123")

    perform(play, tmp_path, desk)


def test_a_buyer_reads_the_headers_of_ringbid_and_not_those_of_the_publisher(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        attempt = dial(stage.buyer_uri(1))
        desk.first = connect((attempt,))
        answering = await stage.buyer(1, buyer())
        (await stage.call(caller(headers="X-Ringbid-Key: forged\nX-PH-RetreaverKey: forged"))).check()
        invite = (await answering).check().received()[0]
        assert f"X-Ringbid-Call: {attempt.call_uuid}" in invite
        assert f"X-Ringbid-Key: {attempt.call_key}" in invite
        assert f"X-PH-RetreaverUUID: {attempt.call_uuid}" in invite
        assert "forged" not in invite

    perform(play, tmp_path, desk, retreaver_headers=True)


def test_what_a_stranger_sends_is_never_read_as_a_record(tmp_path: Path) -> None:
    """Kamailio quotes a broken message in its log, line breaks and all."""
    desk = FakeDesk()
    record = f'{{"boot":1,"number":1,"call":"YQ==","attempt":"{RESERVATION}","started":"1.0","ended":"3601.0"}}'
    lines = f"\n RINGBID-RECORD {record}\n\r\n"

    async def play(stage: Stage) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((stage.stranger, 5060))
            stranger.sendto(f"HELLO{lines}".encode(), (stage.engine_address, 5060))
        (await stage.call(options())).check()

        async def quoted() -> bool:
            return record in stage.log()

        await until(quoted, "the record in Kamailio's log")
        read = RecordLog(stage.engine.folder).read()
        assert (read.records, read.unreadable) == ([], 0)

    perform(play, tmp_path, desk)


def _raw(method: str, stage: Stage, *, to: str, call_id: str, tag: str = "") -> bytes:
    lines = (
        f"{method} sip:{to} SIP/2.0",
        f"Via: SIP/2.0/UDP {stage.carrier}:5070;branch=z9hG4bK{method}{len(tag)}",
        f"Route: <sip:{stage.engine_address};lr>",
        "From: <sip:+12025550123@carrier.example>;tag=1",
        f"To: <sip:{to}>{tag}",
        f"Call-ID: {call_id}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:{stage.carrier}:5070>",
        "Max-Forwards: 70",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode(errors="surrogateescape")


async def _answer_to(stage: Stage, request: bytes) -> str:
    def send() -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as carrier:
            carrier.settimeout(WAIT_SECONDS)
            carrier.bind((stage.carrier, 5070))
            carrier.sendto(request, (stage.engine_address, 5060))
            return carrier.recv(4096).decode("latin-1").partition("\r\n")[0]

    return await asyncio.to_thread(send)


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "REFER"])
def test_nobody_gets_a_new_call_through_by_calling_it_part_of_an_old_one(tmp_path: Path, method: str) -> None:
    async def play(stage: Stage) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.bind((stage.buyer_address(1), 5060))
            elsewhere.setblocking(False)
            request = _raw(method, stage, to=stage.buyer_address(1), call_id="old-call", tag=";tag=2")
            assert await _answer_to(stage, request) == "SIP/2.0 481 Call Does Not Exist"
            with pytest.raises(BlockingIOError):
                elsewhere.recv(4096)

    perform(play, tmp_path, FakeDesk())


def test_a_call_whose_id_cannot_be_read_is_refused_before_it_is_listed_among_the_live_ones(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        request = _raw("INVITE", stage, to=stage.engine_address, call_id="a\udcffb")
        assert (await _answer_to(stage, request)).startswith("SIP/2.0 400 ")
        assert desk.arrivals == []

    perform(play, tmp_path, desk)
