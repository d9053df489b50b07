"""Two hundred refused pings, each of another cause or mixture: page, both APIs and command say the same, and
changing the settings that are named, one after the other, makes the same ping succeed."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from ringbid.values.reason import Reason, Stage
from support.certificates import Certificates, make_certificates
from support.refusal_causes import EVERY, new_plot
from support.refusals import make_plot, open_partners, open_play

PLOTS = 200
TOGETHER = 10


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("first", range(0, PLOTS, TOGETHER))
def test_what_a_refusal_names_mends_it(first: int, certificates: Certificates, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_partners(certificates.server_context) as urls:
            for number in range(first, first + TOGETHER):
                await play(number, urls)

    async def play(number: int, urls: dict[str, str]) -> None:
        rng = random.Random(number)
        plot = make_plot(number, urls, rng)
        planted = sorted(plot.planted)
        async with open_play(plot, tmp_path / str(number), rng) as one:
            try:
                reasons = await one.perform()
            except AssertionError as failure:
                raise AssertionError(f"plot {number} with {planted}: {failure}") from failure
        assert reasons, f"plot {number} with {planted} was not refused at all"
        if number < len(EVERY):
            cause = EVERY[number].name.split()[0]
            assert reasons[0].code in (cause, cause.removeprefix("quote_"))

    asyncio.run(story())


def test_a_buyer_that_leaves_while_it_is_asked_is_told_apart_and_takes_the_ping_once_it_is_back(
    certificates: Certificates, tmp_path: Path
) -> None:
    async def story() -> None:
        async with open_partners(certificates.server_context) as urls:
            plot = new_plot(urls, ["b1"])
            plot.ask("b1", "good")
            plot.campaign["rtb_keys"][0]["explain"] = "buyers"
            async with open_play(plot, tmp_path, random.Random(1)) as play:
                told = await play.read_back(await play.remove_under_way("b1"))
                (row,) = told.buyers
                assert (row.reason, row.setting) == (Reason.BUYER_REMOVED, "campaigns[auto].routing.buyers")
                assert (row.actual, row.expected) == ("removed", "in the campaign")
                assert await play.perform() == [Reason.NO_BUYER_AVAILABLE]

    asyncio.run(story())


def test_a_publisher_over_its_rate_is_served_at_once_when_the_setting_that_is_named_is_changed(
    certificates: Certificates, tmp_path: Path
) -> None:
    async def story() -> None:
        async with (
            open_partners(certificates.server_context) as urls,
            open_play(new_plot(urls, ["b1"]), tmp_path, random.Random(1)) as play,
        ):
            said, refused = await play.over_rate()
            told = (refused.reason.code, refused.actual, refused.expected)
            assert (said["code"], said["found"], said["expected"]) == told
            assert refused.setting == "campaigns[auto].rtb_keys[Default].rate_limit"
            assert refused.setting not in str(said), "settings are not the publisher's business"
            await play.mend(refused.setting)
            assert (await play.ping(play.plot.ping))["status"] == "reserved"

    asyncio.run(story())


def test_the_causes_are_all_there_are() -> None:
    """Those that end a ping with a record, or keep a buyer from it. The rest is no refusal, or has its own test."""
    known = {cause.name.split()[0] for cause in EVERY}
    no_refusal = {"reserved", "won", "duplicate", "not_considered", "not_asked_duplicate", "ask_left_out"}
    lost_to_another = {"outbid", "outperformed", "not_drawn", "lower_priority"}
    told_otherwise = {"payout_unknown", "buyer_removed"}
    stages = {Stage.DUPLICATE, Stage.ELIGIBILITY, Stage.ASK, Stage.BID, Stage.QUOTE, Stage.AUCTION, Stage.RESERVATION}
    codes = {reason.code for reason in Reason if reason.stage in stages}
    assert codes - no_refusal - lost_to_another - told_otherwise <= known
