"""Poisoned answers: whatever a buyer's server does, the ask ends in time with the right reason, and nothing is left."""

from __future__ import annotations

import asyncio
import json

import pytest

from ringbid.buyers.protocol import Answer, Bid
from ringbid.buyers.webhook import compile_webhook
from ringbid.catalog.model import Webhook
from ringbid.values.ids import BuyerId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support import hostile_server as buyers
from support.hostile_server import Behaviour, HostileServer, ask_to, in_good_time, in_seconds, open_client, run

LIMIT = 65_536
SOCKET_BUFFERS = 8_000_000  # what the system takes from the server before anybody has read it
WEBHOOK = compile_webhook(
    Webhook(
        name="hostile",
        on="passthrough",
        buyer=BuyerId("hostile"),
        url="http://h.test/",
        accept="accepted == `true`",
        outputs=(("bid", "bid.amount"), ("seconds", "bid.min_seconds")),
    ),
    setting="webhooks[hostile]",
    money_tags=frozenset({"bid"}),
    seconds_tags=frozenset({"seconds"}),
)

ENDINGS: list[tuple[Behaviour, Reason | None]] = [
    (buyers.normal, None),
    (buyers.gzip_bomb, Reason.BID_UNREADABLE),
    (buyers.double_gzip_bomb, Reason.BID_UNREADABLE),
    (buyers.transfer_gzip_bomb, Reason.BID_UNREADABLE),
    (buyers.huge_body, Reason.BID_UNREADABLE),
    (buyers.huge_body_without_a_length, Reason.BID_UNREADABLE),
    (buyers.endless_chunks, Reason.BID_UNREADABLE),
    (buyers.dripping_body, Reason.ASK_TIMED_OUT),
    (buyers.dripping_header, Reason.ASK_TIMED_OUT),
    (buyers.hundred_thousand_headers, Reason.BID_UNREADABLE),
    (buyers.huge_header, Reason.BID_UNREADABLE),
    (buyers.silence, Reason.ASK_TIMED_OUT),
    (buyers.half_a_body, Reason.ASK_UNREACHABLE),
    (buyers.reset, Reason.ASK_UNREACHABLE),
    (buyers.closing_at_once, Reason.ASK_UNREACHABLE),
    (buyers.endless_interim_answers, Reason.BID_UNREADABLE),
    (buyers.redirect_loop, Reason.ASK_ANSWERED_ERROR),
    (buyers.random_bytes, Reason.BID_UNREADABLE),
    (buyers.length_and_chunks, Reason.BID_UNREADABLE),
    (buyers.negative_length, Reason.BID_UNREADABLE),
]
NEVER_FINISHING = {"huge_body", "huge_body_without_a_length", "endless_chunks", "dripping_body", "dripping_header",
                   "endless_interim_answers"}  # fmt: skip

BODIES: dict[str, tuple[bytes, Reason]] = {
    "NaN": (b'{"accepted": true, "bid": {"amount": NaN}}', Reason.BID_UNREADABLE),
    "Infinity": (b'{"accepted": true, "bid": {"amount": Infinity}}', Reason.BID_UNREADABLE),
    "1e309": (b'{"accepted": true, "bid": {"amount": 1e309}}', Reason.BID_UNREADABLE),
    "-1e309": (b'{"accepted": true, "bid": {"amount": -1e309}}', Reason.BID_UNREADABLE),
    "1e-400": (b'{"accepted": true, "bid": {"amount": 1e-400}}', Reason.BID_UNREADABLE),
    "duplicate keys": (b'{"accepted": true, "bid": {"amount": 1, "amount": 99}}', Reason.BID_UNREADABLE),
    "bad UTF-8": (b'{"accepted": true, "x": "\xff"}', Reason.BID_UNREADABLE),
    "a lone surrogate": (b'{"accepted": true, "x": "\\ud800"}', Reason.BID_UNREADABLE),
    "NUL": (b'{"accepted": true, "x": "\\u0000"}', Reason.BID_UNREADABLE),
    "a byte order mark": (b'\xef\xbb\xbf{"accepted": true}', Reason.BID_UNREADABLE),
    "UTF-16": ('{"accepted": true}'.encode("utf-16"), Reason.BID_UNREADABLE),
    "trailing text": (b'{"accepted": true} and more', Reason.BID_UNREADABLE),
    "an integer of 5,000 digits": (b'{"accepted": true, "x": ' + b"9" * 5000 + b"}", Reason.BID_UNREADABLE),
    "2**70": (b'{"accepted": true, "bid": {"amount": 1180591620717411303424}}', Reason.BID_UNREADABLE),
    "depth 1,000": (b"[" * 1000 + b"]" * 1000, Reason.BID_UNREADABLE),
    "depth 100,000": (b"[" * 100_000 + b"]" * 100_000, Reason.BID_UNREADABLE),
    "a string of 10 MB": (b'{"accepted": true, "x": "' + b"x" * 10_000_000 + b'"}', Reason.BID_UNREADABLE),
    "a million keys": (json.dumps({str(key): 1 for key in range(1_000_000)}).encode(), Reason.BID_UNREADABLE),
    "a leading zero": (b'{"accepted": true, "bid": {"amount": 01}}', Reason.BID_UNREADABLE),
    "a plus sign": (b'{"accepted": true, "bid": {"amount": +1}}', Reason.BID_UNREADABLE),
    "a comment": (b'{"accepted": true /* really */}', Reason.BID_UNREADABLE),
    "empty": (b"", Reason.BUYER_DECLINED),
    "true as bid": (b'{"accepted": true, "bid": {"amount": true}}', Reason.BID_UNREADABLE),
    "excess digits": (b'{"accepted": true, "bid": {"amount": 1.%b}}' % (b"1" * 60), Reason.BID_UNREADABLE),
}


def end_of(result: Answer | Refused) -> Bid | Refused:
    """How the ask ends once the answer has been read too."""
    return result if isinstance(result, Refused) else WEBHOOK.read_bid(result)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize(("behaviour", "reason"), ENDINGS, ids=[behaviour.__name__ for behaviour, _ in ENDINGS])
def test_every_hostile_answer_ends_in_time_with_its_own_reason(
    behaviour: Behaviour, reason: Reason | None, loop: str
) -> None:
    seconds = 0.3 if reason is Reason.ASK_TIMED_OUT else 60

    async def story() -> None:
        async with HostileServer(behaviour) as server, open_client() as client:
            result = end_of(await client.send(ask_to(server.url), ends_at=in_seconds(seconds)))
            if reason is None:
                assert result == Bid(tags={"bid": "12.34", "seconds": "90"})
                return
            assert isinstance(result, Refused), result
            assert result.reason is reason, result
            assert result.actual
            if behaviour.__name__ in NEVER_FINISHING:
                assert server.finished == 0, "the call came back before the server was done"
            assert server.sent_bytes < LIMIT + SOCKET_BUFFERS
            if result.reason is not Reason.ASK_ANSWERED_ERROR:
                await server.all_gone()  # a connection that misbehaved is not kept

    run(story(), loop=loop)


@pytest.mark.parametrize("name", BODIES)
def test_every_body_of_the_parser_table_ends_with_its_own_reason(name: str) -> None:
    body, reason = BODIES[name]

    async def story() -> None:
        async with HostileServer(buyers.saying(body)) as server, open_client() as client:
            result = end_of(await client.send(ask_to(server.url), ends_at=in_good_time()))
            assert isinstance(result, Refused), result
            assert result.reason is reason
            assert server.sent_bytes < max(len(body), LIMIT) + SOCKET_BUFFERS

    run(story())


def test_one_hostile_buyer_changes_nothing_for_the_others() -> None:
    async def story() -> None:
        async with open_client() as client, HostileServer(buyers.normal) as good:
            alone = await client.send(ask_to(good.url), ends_at=in_good_time())
            async with HostileServer(buyers.endless_chunks) as bad, HostileServer(buyers.dripping_body) as slow:
                long, short = in_good_time(), in_seconds(0.3)
                together = [(bad, long), (good, long), (slow, short), (good, long), (bad, long)]
                asks = (client.send(ask_to(server.url), ends_at=ends_at) for server, ends_at in together)
                results = await asyncio.gather(*asks)
            assert results[1] == results[3] == alone
            assert [isinstance(result, Refused) for result in results] == [True, False, True, False, True]

    run(story())
