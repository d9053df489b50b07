"""Passwords: which ones are good enough, and argon2id in threads of its own, so that no ping waits for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 15
FEWEST_WORDS, SHORTEST_WORDS = 4, 12
_LONGEST = 1000
_FEWEST_OWN_LETTERS = 6

# OWASP's parameters: 19 MiB and some 30 ms each.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

_OBVIOUS = re.compile(
    "password|passwort|passphrase|passcode|p[a@4]ss?w[o0]rd|letmein|welcome|iloveyou|princess|sunshine|football|baseball"
    "|dragon|monkey|superman|batman|trustno1|whatever|administrator|admin|root|login|secret|changeme|default|ringbid"
    "|correct ?horse ?battery ?staple|qwertyuiop|qwerty|asdfghjkl|asdfgh|zxcvbnm|qazwsx|1q2w3e4r5t|1q2w3e4r|abc123"
)
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHORTEST_RUN = 4


class TooManyWaiting(Exception):  # noqa: N818 -- what happened, not whose mistake
    """More passwords wait to be checked than will be soon; the browser may come again."""


def find_weakness(password: str, *, about: Iterable[str] = ()) -> str | None:
    """What is wrong with it as a new password, in a sentence; None: it will do. `about` are words that others know of
    its owner, such as name and address."""
    words = password.split()
    is_phrase = len(words) >= FEWEST_WORDS and len(set(words)) >= FEWEST_WORDS and len(password) >= SHORTEST_WORDS
    if len(password) < SHORTEST and not is_phrase:
        return (
            f"It has {len(password)} characters. Take at least {SHORTEST}, or {FEWEST_WORDS} different words with "
            "spaces between them."
        )
    if len(password) > _LONGEST:
        return f"It has {len(password)} characters. Take at most {_LONGEST}."
    if _count_own_letters(password.lower(), about) < _FEWEST_OWN_LETTERS:
        return "It is easily guessed: it is made of well-known passwords, sequences, repetitions or your own name."
    return None


def _count_own_letters(text: str, about: Iterable[str]) -> int:
    """How many different characters are left of it without what everybody would try."""
    known = {part for word in about for part in re.split(r"[^\w]+", word.lower()) if len(part) >= 3}
    for part in sorted(known, key=len, reverse=True):
        text = text.replace(part, " ")
    text = _OBVIOUS.sub(" ", text)
    for run in _RUNS:
        for row in (run, run[::-1]):
            text = _without_runs(text, row)
    return len(set(re.sub(r"[\s\d]+$", "", text)) - {" "})


def _without_runs(text: str, row: str) -> str:
    """`text` without pieces of `row` of at least `_SHORTEST_RUN` characters."""
    for length in range(len(row), _SHORTEST_RUN - 1, -1):
        for start in range(len(row) - length + 1):
            text = text.replace(row[start : start + length], " ")
    return text


class Passwords:
    """Hashing and checking, two at once and some waiting: a flood of sign-ins takes memory and time of nobody else."""

    def __init__(self, *, threads: int = 2, most_waiting: int = 30) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="ringbid-passwords")
        self._room = threads + most_waiting
        self._decoy = _hasher.hash("the password of nobody")

    async def hash(self, password: str) -> str:
        """What is stored. Raises TooManyWaiting."""
        return str(await self._run(_hasher.hash, password))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Is it the one? With None (nobody, or no password) it takes as long, and is not. Raises TooManyWaiting."""
        matches = await self._run(_verify, password[:_LONGEST], password_hash or self._decoy)
        return bool(matches) and password_hash is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: object, *arguments: str) -> object:
        if self._room <= 0:
            raise TooManyWaiting
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)  # type: ignore[arg-type]  # -- one of two functions over strings
        finally:
            self._room += 1


def _verify(password: str, password_hash: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
