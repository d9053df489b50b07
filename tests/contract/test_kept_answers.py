"""Answers that are kept for who asks again, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from cryptography.fernet import InvalidToken

from ringbid.accounts.kept_answers import KeptUse, Taken, open_answer, seal_answer
from ringbid.store.opening import Store
from support.store_clients import rows_of
from support.stores import StorePlace, run

USE = KeptUse(use_hash="one", fingerprint="of this request")
OTHER = KeptUse(use_hash="one", fingerprint="of another request")


def test_an_answer_is_kept_for_a_day_for_the_same_request(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        answers = store.answers
        assert await answers.begin(USE) is Taken.FIRST
        assert await answers.begin(USE) is Taken.UNDER_WAY
        assert await answers.begin(OTHER) is Taken.OTHER_REQUEST
        assert await answers.begin(KeptUse(use_hash="two", fingerprint="of this request")) is Taken.FIRST
        await answers.keep(USE, b"\x00the answer")
        assert await answers.begin(USE) == b"\x00the answer"
        assert await answers.begin(OTHER) is Taken.OTHER_REQUEST
        place.clock.advance(86_399)
        assert await answers.begin(USE) == b"\x00the answer"
        place.clock.advance(2)
        assert await answers.begin(OTHER) is Taken.FIRST

    run(place, story)


def test_what_came_to_nothing_is_tried_anew(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        assert await store.answers.begin(USE) is Taken.FIRST
        await store.answers.release(USE)
        assert await store.answers.begin(OTHER) is Taken.FIRST

    run(place, story)


def test_who_was_killed_at_work_keeps_nobody_waiting_for_longer_than_a_minute(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        assert await store.answers.begin(USE) is Taken.FIRST
        place.clock.advance(59)
        assert await store.answers.begin(USE) is Taken.UNDER_WAY
        place.clock.advance(2)
        assert await store.answers.begin(USE) is Taken.FIRST

    run(place, story)


def test_of_many_at_once_one_is_the_first(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        found = await asyncio.gather(*(store.answers.begin(USE) for _ in range(20)))
        assert found.count(Taken.FIRST) == 1
        assert found.count(Taken.UNDER_WAY) == 19

    run(place, story)


def test_tidying_forgets_old_answers(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.answers.begin(USE)
        await store.answers.keep(USE, b"sealed")
        place.clock.advance(86_401)
        await store.flush(older_than=timedelta(days=1))
        assert rows_of(place, "select * from kept_answer") == []

    run(place, story)


def test_an_answer_opens_with_its_secret_alone() -> None:
    sealed = seal_answer(b"a secret key", "credential")
    assert b"secret" not in sealed
    assert open_answer(sealed, "credential") == b"a secret key"
    with pytest.raises(InvalidToken):
        open_answer(sealed, "another")
