"""The store's side of `accounts.drafts.Drafts`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, select

from ringbid.accounts.drafts import KeptDraft, Whose
from ringbid.store.draft_schema import draft
from ringbid.store.outbox_turn import read_now_ms
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import from_ms

_of_whom = (
    (draft.c.company_id == bindparam("of_company"))
    & (draft.c.user_id == bindparam("of_user"))
    & (draft.c.form == bindparam("of_form"))
)
_READ = Statement(select(draft.c.fields, draft.c.saved_at_ms).where(_of_whom))
_DROP = Statement(delete(draft).where(_of_whom))
_INSERT = Insert(draft)


class StoredDrafts:
    """Keeps the promises of `accounts.drafts.Drafts`."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading) -> None:
        self._writer = writer
        self._reading = reading

    async def read(self, whose: Whose) -> KeptDraft | None:
        def work(session: Session) -> KeptDraft | None:
            [rows] = session.fetch((_READ, _key(whose)))
            return KeptDraft(json.loads(rows[0][0]), from_ms(rows[0][1])) if rows else None

        return await self._reading.alone(work)

    async def keep(self, whose: Whose, fields: Mapping[str, str]) -> None:
        def work(session: Session) -> None:
            session.lock([f"draft/{whose.company_id}/{whose.user_id}/{whose.form}"])
            session.write(_DROP, **_key(whose))
            row = (whose.company_id, whose.user_id, whose.form, json.dumps(dict(fields)), read_now_ms(session))
            session.insert(_INSERT, [row])

        await self._writer.transact(work)

    async def forget(self, whose: Whose) -> None:
        await self._writer.transact(lambda session: session.write(_DROP, **_key(whose)))


def _key(whose: Whose) -> dict[str, str]:
    return {"of_company": whose.company_id, "of_user": whose.user_id, "of_form": whose.form}
