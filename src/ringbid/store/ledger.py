"""The ledger's tables, written: postings go in once, their entries and the balances with them, and all is checked.

`post` is called inside a transaction, by whoever decides about money: `store.calls` for conversions, `StoredLedger` for
corrections. `ledger_reading` has what is only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite

from ringbid.call.money_audit import money_change
from ringbid.ledger.correcting import Corrected, Correction, correct
from ringbid.ledger.ports import LedgerBroken
from ringbid.ledger.posting import Posting, sum_entries
from ringbid.store import journeys_due
from ringbid.store.audit import write_audit
from ringbid.store.event_telling import tell_correction
from ringbid.store.ledger_reading import LedgerReading, differences, postings_of
from ringbid.store.ledger_schema import balance, ledger_entry, posting
from ringbid.store.session import Session
from ringbid.store.statements import DialectName, Insert, Statement, database_now_ms, one_of
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import to_ms
from ringbid.values.verdict import Refused


def _insert_posting(insert: Any) -> Statement:  # noqa: ANN401 -- each database's own insert
    columns = [column.name for column in posting.columns if column is not posting.c.id]
    new = insert(posting).values({name: bindparam(name) for name in columns})
    return Statement(new.on_conflict_do_nothing(index_elements=["posting_key"]).returning(posting.c.id))


# Both databases say ON CONFLICT, each in a construct of its own.
_INSERT_POSTING: dict[DialectName, Statement] = {
    "sqlite": _insert_posting(sqlite.insert),
    "postgresql": _insert_posting(postgresql.insert),
}
_INSERT_ENTRY = Insert(ledger_entry)
_ADD_BALANCE = Insert(balance, add="balance_micros")
# What was written of these postings.
_WRITTEN = Statement(
    select(ledger_entry.c.posting_id, func.count(), cast(func.sum(ledger_entry.c.amount_micros), BigInteger))
    .where(one_of(ledger_entry.c.posting_id, "posting_ids"))
    .group_by(ledger_entry.c.posting_id)
)
# All that a company's balances come to, in each currency.
_TOTALS = Statement(
    select(balance.c.currency, cast(func.sum(balance.c.balance_micros), BigInteger))
    .where(balance.c.company_id == bindparam("company_id"))
    .group_by(balance.c.currency)
)
_NOW = Statement(select(database_now_ms()))


class StoredLedger(LedgerReading):
    """Keeps the promises of `ledger.ports.Ledger`. Writes raise StoreOverloaded and StoreUnavailable."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading) -> None:
        super().__init__(reading)
        self._writer = writer

    async def correct(self, correction: Correction) -> Corrected | Refused:
        return await self._writer.transact(lambda session: _correct(session, correction))

    async def mend(self) -> int:
        return await self._writer.transact(_mend)


def post(session: Session, new: Posting, at_ms: int) -> bool:
    """Book `new` within the transaction that `session` has begun; False where its key was booked before.

    The caller holds the lock `call CALL_ID`, and locks nothing more afterwards: balances are locked by being written.
    Raises LedgerBroken where what is then in the store does not add up.
    """
    return post_all(session, [new], at_ms)[0]


def post_all(session: Session, new: Sequence[Posting], at_ms: int) -> list[bool]:
    """As `post`, for each of `new`. Whoever books several in one transaction must do so together: the balances are
    written in one order, so that two transactions never wait for each other.
    """
    insert = _INSERT_POSTING[session.dialect]
    answers = session.fetch(*((insert, _posting_values(one, at_ms)) for one in new))
    booked = {rows[0][0]: one for one, rows in zip(new, answers, strict=True) if rows}
    if booked:
        _write(session, booked, at_ms)
        journeys_due.note(session, sorted({one.call_id for one in booked.values()}))
    return [bool(rows) for rows in answers]


def _write(session: Session, booked: dict[int, Posting], at_ms: int) -> None:
    """Write the entries of `booked` (by the posting's id) and what they add to the balances; then look at both."""
    entries = [
        (posting_id, entry.account, one.company_id, one.currency, at_ms, entry.amount.micros)
        for posting_id, one in booked.items()
        for entry in one.entries
    ]
    session.insert(_INSERT_ENTRY, entries)
    session.insert(_ADD_BALANCE, [(*key, micros) for key, micros in sorted(sum_entries(booked.values()).items())])
    companies = sorted({one.company_id for one in booked.values()})
    written, *totals = session.fetch(
        (_WRITTEN, {"posting_ids": list(booked)}), *((_TOTALS, {"company_id": company}) for company in companies)
    )
    expected = {(posting_id, len(one.entries), 0) for posting_id, one in booked.items()}
    if set(written) != expected:
        raise LedgerBroken(f"postings with their entries and sums are {written}, not {sorted(expected)}")
    for company, rows in zip(companies, totals, strict=True):
        wrong = [f"{micros} micros {currency}" for currency, micros in rows if micros]
        if wrong:
            raise LedgerBroken(f"the balances of {company} sum to {', '.join(wrong)}, not to 0: ringbid ledger verify")


def _posting_values(new: Posting, at_ms: int) -> dict[str, Any]:
    return {
        "posting_key": new.posting_key,
        "company_id": new.company_id,
        "call_id": new.call_id,
        "kind": new.kind,
        "side": new.side,
        "rule_id": new.rule_id,
        "rule_version": new.rule_version,
        "currency": new.currency,
        "at_ms": at_ms,
        "author": new.author,
        "note": new.note,
    }


def _correct(session: Session, correction: Correction) -> Corrected | Refused:
    session.lock([f"call {correction.call_id}"])
    booked = postings_of(session, correction.call_id, company_id=correction.company_id)
    made = correct(booked, correction)
    if isinstance(made, Corrected) and not made.repeated:
        now_ms = _now_ms(session)
        tell_correction(session, booked, made.posting, now_ms)
        write_audit(session, [money_change(correction.author, booked, made.posting)], now_ms)
        assert post(session, made.posting, now_ms), "its key was not among the call's postings"
    return made


def _mend(session: Session) -> int:
    """Add to each balance what it lacks. The differences are of one moment, so what is booked meanwhile stays right."""
    session.lock(["ledger"])
    wrong = sorted(differences(session))
    session.insert(_ADD_BALANCE, wrong)
    return len(wrong)


def _now_ms(session: Session) -> int:
    if session.clock is not None:
        return to_ms(session.clock.now())
    [[(now_ms,)]] = session.fetch((_NOW, {}))
    return int(now_ms)
