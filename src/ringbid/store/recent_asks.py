"""What buyers were asked lately, out of the traces of the newest pings: a constant number of rows."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from ringbid.reports.asks import AskOutcome
from ringbid.reservations.trace import decode
from ringbid.store.schema import ping
from ringbid.store.statements import Statement
from ringbid.store.threads import Reading
from ringbid.values.clock import from_ms
from ringbid.values.ids import BuyerId, CompanyId
from ringbid.values.reason import BY_CODE

_PINGS = 300

_NEWEST = Statement(
    select(ping.c.received_at_ms, ping.c.trace)
    .where(ping.c.company_id == bindparam("of_company"))
    .order_by(ping.c.received_at_ms.desc(), ping.c.id.desc())
    .limit(_PINGS)
)


class StoredAsks:
    """Keeps the promises of `reports.asks.RecentAsks`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def recent_asks(self, company_id: CompanyId, buyer_id: BuyerId) -> tuple[AskOutcome, ...]:
        [rows] = await self._reading.alone(lambda session: session.fetch((_NEWEST, {"of_company": company_id})))
        return tuple(
            AskOutcome(
                at=from_ms(at_ms),
                webhook=ask.webhook,
                took_ms=ask.took_ms,
                reason=BY_CODE[ask.reason] if ask.reason is not None else None,
                detail=ask.detail,
            )
            for at_ms, trace in rows
            for ask in decode(trace).asks
            if ask.buyer == buyer_id
        )
