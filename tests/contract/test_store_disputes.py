"""Disputes on both databases: a call is disputed once, closed once, and both are in the audit log."""

from __future__ import annotations

from ringbid.accounts.audit import Author
from ringbid.store.opening import Store
from ringbid.values.ids import BuyerId, CallId, CompanyId
from support.clocks import START
from support.stores import StorePlace, run

ACME, ALPHA = CompanyId("acme"), BuyerId("alpha")
CALL, OTHER_CALL = (CallId(f"019ab0c4-5f3e-7c41-9a52-0d6a1f6f8a0{digit}") for digit in (1, 2))
BERT = Author(name="Bert Buyer", user_id="u-bert", via="session")
OLGA = Author(name="Olga Owner", user_id="u-olga", via="session")


async def dispute(store: Store, call_id: CallId = CALL, *, buyer_id: BuyerId = ALPHA) -> bool:
    return await store.disputes.open_dispute(ACME, call_id, buyer_id=buyer_id, reason="wrong state", author=BERT)


def test_a_call_is_disputed_once_and_its_dispute_closed_once(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        assert await dispute(store)
        assert not await dispute(store)
        found = await store.disputes.find_dispute(ACME, CALL)
        assert found is not None
        assert (found.open, found.reason, found.opened_by, found.opened_at) == (True, "wrong state", BERT.name, START)
        for closes in (True, False):
            assert await store.disputes.close_dispute(ACME, CALL, answer="voided", author=OLGA) is closes
        closed = await store.disputes.find_dispute(ACME, CALL)
        assert closed is not None
        assert (closed.open, closed.answer, closed.closed_by) == (False, "voided", OLGA.name)
        assert not await dispute(store)

    run(place, story)


def test_opening_and_closing_are_in_the_audit_log(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await dispute(store)
        await store.disputes.close_dispute(ACME, CALL, answer="voided", author=OLGA)
        closed, opened = (change.entry for change in await store.audit.listing(ACME))
        assert (opened.path, opened.before, opened.after) == (f"calls[{CALL}].dispute", None, "open: wrong state")
        assert (closed.author, closed.before, closed.after) == (OLGA, "open: wrong state", "closed: voided")

    run(place, story)


def test_open_disputes_are_listed_first_and_each_buyer_and_company_has_its_own(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await dispute(store)
        await store.disputes.close_dispute(ACME, CALL, answer="no", author=OLGA)
        await dispute(store, OTHER_CALL, buyer_id=BuyerId("bravo"))
        assert [one.call_id for one in await store.disputes.disputes(ACME)] == [OTHER_CALL, CALL]
        assert [one.call_id for one in await store.disputes.disputes(ACME, buyer_id=ALPHA)] == [CALL]
        assert not await store.disputes.disputes(CompanyId("other"))
        assert await store.disputes.find_dispute(CompanyId("other"), CALL) is None
        assert not await store.disputes.close_dispute(CompanyId("other"), OTHER_CALL, answer="x", author=OLGA)

    run(place, story)
