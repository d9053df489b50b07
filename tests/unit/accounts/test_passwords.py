"""Which passwords are good enough, and that checking them takes as long for nobody as for somebody."""

from __future__ import annotations

import asyncio

import pytest

from ringbid.accounts.passwords import Passwords, TooManyWaiting, find_weakness

GOOD = ["xq7-blorf-canyon!", "vier ampeln im moor", "river lamp quiet moss", "Tz4$kLm9@wQe2#pV"]
WEAK = [
    "short",
    "two words here",
    "one one one one",
    "passwordpassword1",
    "Password1234567890",
    "aaaaaaaaaaaaaaaaaaaa",
    "abababababababab",
    "123456789012345678",
    "qwertyuiopasdfghjkl",
    "abcdefghijklmnopqrst",
    "letmeinletmein1234",
    "correct horse battery staple",
    "olgaowner@acme.example1",
    "Ringbid-Admin-2026",
]


@pytest.mark.parametrize("password", GOOD)
def test_a_long_password_or_a_phrase_of_four_words_will_do(password: str) -> None:
    assert find_weakness(password, about=["olgaowner@acme.example"]) is None


@pytest.mark.parametrize("password", WEAK)
def test_what_is_short_or_obvious_is_refused_with_what_is_wrong(password: str) -> None:
    weakness = find_weakness(password, about=["olgaowner@acme.example", "Olga Owner"])
    assert weakness is not None
    assert weakness.endswith(".")


def test_a_password_matches_itself_alone_and_nobody_matches_nothing() -> None:
    async def story() -> list[bool]:
        passwords = Passwords()
        stored = await passwords.hash("river lamp quiet moss")
        assert "river" not in stored
        assert stored.startswith("$argon2id$")
        tried = [("river lamp quiet moss", stored), ("river lamp quiet mos", stored), ("the password of nobody", None)]
        return [await passwords.matches(*one) for one in tried]

    assert asyncio.run(story()) == [True, False, False]


def test_a_flood_of_sign_ins_is_told_to_come_again() -> None:
    async def story() -> list[object]:
        passwords = Passwords(threads=1, most_waiting=2)
        tries = [passwords.matches("river lamp quiet moss", None) for _ in range(6)]
        return list(await asyncio.gather(*tries, return_exceptions=True))

    ended = asyncio.run(story())
    assert ended[:3] == [False, False, False]
    assert all(isinstance(one, TooManyWaiting) for one in ended[3:])
