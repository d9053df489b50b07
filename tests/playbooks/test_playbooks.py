"""Every play comes to its end, in whatever way its facts are told; and the plays reach every row of the table."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ringbid.call import transitions
from support.call_stage import Outcome, Stage, exchange
from support.call_world import call_world
from support.playbook import Play, variants
from support.plays import PLAYS
from support.stores import StorePlace


@pytest.mark.parametrize("name", PLAYS)
def test_a_play_comes_to_the_same_however_often_late_and_out_of_order_it_is_told(place: StorePlace, name: str) -> None:
    play = PLAYS[name]
    told = [(title, deliveries) for title, deliveries in variants(play) if _is_played(title, place)]

    async def perform() -> dict[str, Outcome]:
        async with call_world(place, catalog=exchange(), change=play.change) as world:
            stage = Stage(world, place)
            run = await stage.perform(play)
            assert play.end is not None
            await stage.assert_end(run, play.end)
            for title, deliveries in told:
                try:
                    await stage.perform(play, deliveries)
                except AssertionError as error:
                    error.add_note(title)
                    raise
            return stage.outcomes()

    straight, *others = (_comparable(outcome) for outcome in asyncio.run(perform()).values())
    assert len(others) == len(told)
    for (title, _), outcome in zip(told, others, strict=True):
        assert outcome == straight, title


def test_the_plays_reach_every_row_of_the_table(sqlite_place: StorePlace) -> None:
    async def perform() -> set[str]:
        reached: set[str] = set()
        by_change: dict[str, list[Play]] = {}
        for play in PLAYS.values():
            by_change.setdefault(repr(play.change), []).append(play)
        async with call_world(sqlite_place, catalog=exchange()) as world:
            stage = Stage(world, sqlite_place)
            for plays in by_change.values():
                await world.apply(catalog=exchange(), change=plays[0].change)
                for play in plays:
                    await stage.perform(play)
            reached |= stage.rows_reached()
        return reached

    assert asyncio.run(perform()) - {"checked"} == set(rows_of_the_table())


def rows_of_the_table() -> Iterator[str]:
    """The name of every row, as the source has it: the second argument of Step, or what a maker of rows is given."""
    for node in ast.walk(ast.parse(inspect.getsource(transitions))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            is_step = node.func.id == "Step"
            if is_step or node.func.id in ("_nothing", "_nothing_to_call", "_answers_late"):
                argument = node.args[1 if is_step else 0]
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


def _is_played(title: str, place: StorePlace) -> bool:
    """PostgreSQL is slower and shows nothing else, once it has shown that each kind of telling works there."""
    return place.database == "sqlite" or title.endswith(("swapped", "as the same", "after a look"))


def _comparable(outcome: Outcome) -> Outcome:
    """That a record is missing is said when it is looked for, without a look the side is only pending; and who was held
    in reserve for nothing does not matter."""
    sides = {
        buyer: tuple(None if reason == "record_missing" else reason for reason in reasons)
        for buyer, reasons in outcome.sides.items()
    }
    return replace(outcome, sides={buyer: reasons for buyer, reasons in sides.items() if any(reasons)})
