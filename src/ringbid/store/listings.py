"""The store's side of `reports.listing_rows.Listings`: every list, on a connection that no ping waits for."""

from __future__ import annotations

from functools import partial

from ringbid.outbox.ports import Listed
from ringbid.reports.listing import ListQuery, Page, Scope
from ringbid.reports.listing_rows import CallRow, PingRow, PostingRow, PostingTotals
from ringbid.store.call_listing import call_page
from ringbid.store.other_listings import delivery_page, posting_page, posting_totals
from ringbid.store.ping_listing import ping_page, pings_after
from ringbid.store.threads import Reading
from ringbid.values.ids import CompanyId


class StoredListings:
    """Keeps the promises of `reports.listing_rows.Listings`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def pings(self, scope: Scope, query: ListQuery, *, count: bool = False) -> Page[PingRow]:
        return await self._reading.alone(partial(ping_page, scope=scope, query=query, count=count))

    async def pings_after(self, company_id: CompanyId, after: int | None, limit: int) -> tuple[PingRow, ...]:
        """The company's pings with a number above `after`, the lowest first; None: the newest."""
        return await self._reading.alone(partial(pings_after, company_id=company_id, after=after, limit=limit))

    async def calls(self, scope: Scope, query: ListQuery, *, count: bool = False) -> Page[CallRow]:
        return await self._reading.alone(partial(call_page, scope=scope, query=query, count=count))

    async def postings(self, company_id: CompanyId, query: ListQuery, *, count: bool = False) -> Page[PostingRow]:
        return await self._reading.alone(partial(posting_page, company_id=company_id, query=query, count=count))

    async def posting_totals(self, company_id: CompanyId, query: ListQuery) -> PostingTotals:
        return await self._reading.alone(partial(posting_totals, company_id=company_id, query=query))

    async def deliveries(self, company_id: CompanyId, query: ListQuery, *, count: bool = False) -> Page[Listed]:
        return await self._reading.alone(partial(delivery_page, company_id=company_id, query=query, count=count))
