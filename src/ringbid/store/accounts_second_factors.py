"""Second factors in the store: one-time codes, each step used once, and recovery codes. `accounts` puts it together
with its siblings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update

from ringbid.accounts.audit import Author
from ringbid.store.accounts_people import write_user_entry
from ringbid.store.accounts_schema import app_user, recovery_code
from ringbid.store.outbox_turn import read_now_ms
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.ids import CompanyId

_of_user = app_user.c.user_id == bindparam("of_user")
_START_TOTP = Statement(
    update(app_user).where(_of_user, app_user.c.totp_on == 0).values(totp_secret=bindparam("new_secret"))
)
_TURN_TOTP_ON = Statement(
    update(app_user)
    .where(_of_user, app_user.c.totp_on == 0, app_user.c.totp_secret.is_not(None))
    .values(totp_on=1, totp_step=bindparam("new_step"))
)
_TURN_TOTP_OFF = Statement(
    update(app_user).where(_of_user, app_user.c.totp_on == 1).values(totp_on=0, totp_secret=None)
)
_USE_STEP = Statement(
    update(app_user)
    .where(_of_user, app_user.c.totp_on == 1, app_user.c.totp_step < bindparam("new_step"))
    .values(totp_step=bindparam("new_step"))
)
_INSERT_CODE = Insert(recovery_code)
_DROP_CODES = Statement(delete(recovery_code).where(recovery_code.c.user_id == bindparam("of_user")))
_unused = (recovery_code.c.user_id == bindparam("of_user")) & recovery_code.c.used_at_ms.is_(None)
_USE_CODE = Statement(
    update(recovery_code)
    .where(_unused, recovery_code.c.code_hash == bindparam("of_code"))
    .values(used_at_ms=bindparam("now_ms"))
)
_COUNT_CODES = Statement(select(func.count()).select_from(recovery_code).where(_unused))


class StoredSecondFactors:
    """Keeps the promises of `accounts.ports.People` that are about second factors."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading) -> None:
        self._writer = writer
        self._reading = reading

    async def start_totp(self, user_id: str, secret: str) -> None:
        await self._writer.transact(lambda session: session.write(_START_TOTP, of_user=user_id, new_secret=secret))

    async def turn_totp_on(
        self, user_id: str, *, step: int, code_hashes: Sequence[str], company_id: CompanyId, author: Author
    ) -> bool:
        def work(session: Session) -> bool:
            if not session.update_each(_TURN_TOTP_ON, [{"of_user": user_id, "new_step": step}]):
                return False
            _replace_codes(session, user_id, code_hashes)
            write_user_entry(session, user_id, company_id, author, "two_factor", "on")
            return True

        return await self._writer.transact(work)

    async def turn_totp_off(self, user_id: str, *, company_id: CompanyId, author: Author) -> None:
        def work(session: Session) -> None:
            if session.update_each(_TURN_TOTP_OFF, [{"of_user": user_id}]):
                _replace_codes(session, user_id, ())
                write_user_entry(session, user_id, company_id, author, "two_factor", "off")

        await self._writer.transact(work)

    async def replace_recovery_codes(
        self, user_id: str, code_hashes: Sequence[str], *, company_id: CompanyId, author: Author
    ) -> None:
        def work(session: Session) -> None:
            _replace_codes(session, user_id, code_hashes)
            write_user_entry(session, user_id, company_id, author, "recovery_codes", "replaced")

        await self._writer.transact(work)

    async def recovery_codes_left(self, user_id: str) -> int:
        [[(count,)]] = await self._reading.alone(lambda session: session.fetch((_COUNT_CODES, {"of_user": user_id})))
        return int(count)

    async def use_totp_step(self, user_id: str, step: int) -> bool:
        values = {"of_user": user_id, "new_step": step}
        return await self._writer.transact(lambda session: session.update_each(_USE_STEP, [values]) == 1)

    async def use_recovery_code(self, user_id: str, code_hash: str) -> bool:
        def work(session: Session) -> bool:
            values = {"of_user": user_id, "of_code": code_hash, "now_ms": read_now_ms(session)}
            return session.update_each(_USE_CODE, [values]) == 1

        return await self._writer.transact(work)


def _replace_codes(session: Session, user_id: str, code_hashes: Sequence[str]) -> None:
    session.write(_DROP_CODES, of_user=user_id)
    session.insert(_INSERT_CODE, [(user_id, code_hash, None) for code_hash in code_hashes])
