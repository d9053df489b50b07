"""A server that is killed between a fact and its delivery: every ping that was answered is told of, under one id."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import urllib.request
from collections import defaultdict
from pathlib import Path

from support.event_receiver import event_receiver
from support.event_story import catalog_with
from support.scenario import KEY, catalog_text
from support.server import RunningServer, running_server

ANSWERED = 30  # pings, and then the server is killed while others are under way
QUICKLY = {"RINGBID_OUTBOX_RETRY_SECONDS": f"[{', '.join(['1'] * 300)}]"}


def ping_until_dead(server: RunningServer, numbers: itertools.count[int], answered: set[str]) -> None:
    for number in numbers:
        url = f"{server.base_url}/rtbs.json?key={KEY}&publisher_id=4321ABCD&caller_number=%2B1212{2000000 + number}"
        try:
            with urllib.request.urlopen(url, timeout=60) as reply:
                answered.add(json.load(reply)["uuid"])
        except OSError:
            return


def kill_while_it_answers(server: RunningServer) -> set[str]:
    """The uuids that publishers were told before the server died."""
    answered: set[str] = set()
    numbers = itertools.count()
    publishers = [threading.Thread(target=ping_until_dead, args=(server, numbers, answered)) for _ in range(3)]
    for publisher in publishers:
        publisher.start()
    while len(answered) < ANSWERED:
        publishers[0].join(0.01)
    server.kill()
    for publisher in publishers:
        publisher.join()
    return answered


def test_every_answered_ping_is_told_of_after_the_server_was_killed(tmp_path: Path) -> None:
    async def story() -> None:
        async with event_receiver() as receiver:
            receiver.statuses = itertools.repeat(503)
            catalog = tmp_path / "acme.yaml"
            catalog.write_text(catalog_text({"catalog": catalog_with({"id": "crm", "url": receiver.url})}))
            with running_server(catalog, data=tmp_path / "data", environment=QUICKLY) as server:
                answered = await asyncio.to_thread(kill_while_it_answers, server)
            receiver.statuses = iter(())
            taken_from = len(receiver.requests)
            with running_server(catalog, data=tmp_path / "data", environment=QUICKLY):
                await receiver.until(
                    lambda: answered <= {one.event["data"]["uuid"] for one in receiver.requests[taken_from:]}
                )
            ids: dict[str, set[str]] = defaultdict(set)
            for one in receiver.requests:
                ids[one.event["type"] + one.event["data"]["uuid"]].add(one.headers["webhook-id"])
            assert all(len(found) == 1 for found in ids.values())

    asyncio.run(story())
