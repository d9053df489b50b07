"""The store's side of `accounts.kept_answers.KeptAnswers`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, select, update

from ringbid.accounts.kept_answers import GIVEN_UP_AFTER, KEPT_FOR, KeptUse, Taken
from ringbid.store.answer_schema import kept_answer
from ringbid.store.outbox_turn import read_now_ms
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Statement
from ringbid.store.threads import SessionThread

_of_use = kept_answer.c.use_hash == bindparam("of_use")
_FIND = Statement(select(kept_answer).where(_of_use))
_INSERT = Insert(kept_answer)
_KEEP = Statement(update(kept_answer).where(_of_use).values(sealed=bindparam("now_sealed")))
_RELEASE = Statement(delete(kept_answer).where(_of_use))
_FORGET = Statement(delete(kept_answer).where(kept_answer.c.begun_at_ms <= bindparam("before_ms")))


class StoredAnswers:
    """Keeps the promises of `accounts.kept_answers.KeptAnswers`."""

    def __init__(self, *, writer: SessionThread[Any]) -> None:
        self._writer = writer

    async def begin(self, use: KeptUse) -> bytes | Taken:
        def work(session: Session) -> bytes | Taken:
            session.lock([f"kept_answer/{use.use_hash}"])
            now_ms = read_now_ms(session)
            forget_answers(session, now_ms)
            [rows] = session.fetch((_FIND, {"of_use": use.use_hash}))
            if rows:
                [(_, fingerprint, begun_at_ms, sealed)] = rows
                if fingerprint != use.fingerprint:
                    return Taken.OTHER_REQUEST
                if sealed is not None:
                    return bytes(sealed)
                if begun_at_ms > now_ms - GIVEN_UP_AFTER.total_seconds() * 1000:
                    return Taken.UNDER_WAY
                session.write(_RELEASE, of_use=use.use_hash)
            session.insert(_INSERT, [(use.use_hash, use.fingerprint, now_ms, None)])
            return Taken.FIRST

        return await self._writer.transact(work)

    async def keep(self, use: KeptUse, sealed: bytes) -> None:
        await self._writer.transact(lambda session: session.write(_KEEP, of_use=use.use_hash, now_sealed=sealed))

    async def release(self, use: KeptUse) -> None:
        await self._writer.transact(lambda session: session.write(_RELEASE, of_use=use.use_hash))


def forget_answers(session: Session, now_ms: int) -> None:
    """Nobody asks again after so long. Whoever tidies calls this, too: a company may never send another key."""
    session.write(_FORGET, before_ms=now_ms - int(KEPT_FOR.total_seconds() * 1000))
