"""Sessions, second factors and API keys on both databases: what ends, ends at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from ringbid.accounts.actor import Role
from ringbid.accounts.keys import NewKey, Scope
from ringbid.accounts.people import Grant
from ringbid.accounts.sessions import CODE_WAITS, IDLE, LONGEST, NewSession, Visit
from ringbid.store.opening import Store
from ringbid.values.ids import CompanyId
from support.accounts import ACME, ANALYST, AUTHOR, OWNER, add_user
from support.clocks import START
from support.stores import StorePlace, run

OTHER = CompanyId("other")


def session(token: str, user_id: str = "u-olga", *, company_id: CompanyId | None = ACME) -> NewSession:
    return NewSession(
        token_hash=token,
        session_id=f"s-{token}",
        user_id=user_id,
        company_id=company_id,
        visit=Visit(address="192.0.2.1", browser="Firefox"),
        lifetime=LONGEST if company_id is not None else CODE_WAITS,
    )


async def signed_in(store: Store, *tokens: str) -> None:
    await add_user(store, "olga", OWNER)
    for token in tokens:
        await store.accounts.open_session(session(token))


async def good(store: Store, *tokens: str) -> list[str]:
    return [token for token in tokens if await store.accounts.find_session(token) is not None]


def test_a_session_tells_who_it_is_and_in_which_company(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await signed_in(store, "t")
        found = await store.accounts.find_session("t")
        assert found is not None
        assert (found.user.name, found.membership.company_id, found.membership.grant) == ("Olga", ACME, OWNER)
        assert await store.accounts.find_session("u") is None

    run(place, story)


def test_a_session_ends_when_it_is_idle_and_when_it_is_old(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await signed_in(store, "idle", "used")
        place.clock.advance(IDLE.total_seconds() - 1)
        await store.accounts.note_seen("s-used")
        place.clock.advance(1)
        assert await good(store, "idle", "used") == ["used"]
        for _ in range(LONGEST // IDLE + 1):
            await store.accounts.note_seen("s-used")
            place.clock.advance(IDLE.total_seconds() - 1)
        await store.accounts.note_seen("s-used")
        assert await good(store, "used") == []

    run(place, story)


def test_sessions_are_listed_and_ended_one_or_all_but_one(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await signed_in(store, "a", "b", "c", "d")
        assert {one.session_id for one in await store.accounts.sessions_of("u-olga")} == {"s-a", "s-b", "s-c", "s-d"}
        assert not await store.accounts.end_session("u-other", "s-a")
        assert await store.accounts.end_session("u-olga", "s-a")
        assert await good(store, "a", "b", "c", "d") == ["b", "c", "d"]
        assert await store.accounts.end_sessions("u-olga", keep_session="s-c") == 2
        assert await good(store, "b", "c", "d") == ["c"]

    run(place, story)


def test_a_new_password_ends_all_other_sessions(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await signed_in(store, "mine", "thief")
        await store.accounts.set_password("u-olga", "new", keep_session="s-mine", company_id=ACME, author=AUTHOR)
        assert await good(store, "mine", "thief") == ["mine"]
        user = await store.accounts.user_of_email("olga@acme.example")
        assert user is not None
        assert user.password_hash == "new"
        [change, *_] = await store.audit.listing(ACME)
        assert (change.entry.path, change.entry.after) == ("users[olga@acme.example].password", "changed")

    run(place, story)


def test_a_removed_member_is_out_at_once_and_a_changed_one_is_changed_at_once(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await signed_in(store)
        await add_user(store, "ann", ANALYST)
        await store.accounts.open_session(session("ann", "u-ann"))
        manager = Grant(role=Role.MANAGER)
        await store.accounts.change_member(ACME, "u-ann", manager, author=AUTHOR)
        found = await store.accounts.find_session("ann")
        assert found is not None
        assert found.membership.grant == manager
        await store.accounts.remove_member(ACME, "u-ann", author=AUTHOR)
        assert await good(store, "ann") == []

    run(place, story)


def test_a_session_shows_a_company_of_its_user_and_no_other(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await signed_in(store, "t")
        await add_user(store, "otto", OWNER, company_id=OTHER)
        assert not await store.accounts.switch_company("s-t", OTHER)
        assert await store.accounts.switch_company("s-t", ACME)
        assert (await good(store, "t")) == ["t"]

    run(place, story)


def test_what_waits_for_a_code_is_no_session_and_is_replaced_by_one(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await signed_in(store)
        await store.accounts.start_totp("u-olga", "SECRET")
        await store.accounts.turn_totp_on("u-olga", step=1, code_hashes=[], company_id=ACME, author=AUTHOR)
        await store.accounts.open_session(session("half", company_id=None))
        waiting = await store.accounts.find_waiting("half")
        assert waiting is not None
        assert (waiting.totp_secret, await good(store, "half")) == ("SECRET", [])
        await store.accounts.open_session(session("whole"), replaces="half")
        assert (await store.accounts.find_waiting("half"), await good(store, "whole")) == (None, ["whole"])
        await store.accounts.open_session(session("late", company_id=None))
        place.clock.advance(CODE_WAITS.total_seconds())
        assert await store.accounts.find_waiting("late") is None

    run(place, story)


def test_a_one_time_code_is_taken_once_and_none_before_it(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await signed_in(store)
        assert not await store.accounts.use_totp_step("u-olga", 5)
        await store.accounts.start_totp("u-olga", "SECRET")
        await store.accounts.turn_totp_on("u-olga", step=7, code_hashes=["r"], company_id=ACME, author=AUTHOR)
        taken = await asyncio.gather(*(store.accounts.use_totp_step("u-olga", 9) for _ in range(4)))
        assert sorted(taken) == [False, False, False, True]
        assert not await store.accounts.use_totp_step("u-olga", 8)
        assert not await store.accounts.use_totp_step("u-olga", 9)
        assert await store.accounts.use_totp_step("u-olga", 10)

    run(place, story)


def test_a_recovery_code_is_taken_once_and_new_ones_replace_the_old(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await signed_in(store)
        await store.accounts.start_totp("u-olga", "SECRET")
        await store.accounts.turn_totp_on("u-olga", step=7, code_hashes=["r1", "r2"], company_id=ACME, author=AUTHOR)
        taken = await asyncio.gather(*(store.accounts.use_recovery_code("u-olga", "r1") for _ in range(4)))
        assert sorted(taken) == [False, False, False, True]
        assert await store.accounts.recovery_codes_left("u-olga") == 1
        await store.accounts.replace_recovery_codes("u-olga", ["r3"], company_id=ACME, author=AUTHOR)
        assert not await store.accounts.use_recovery_code("u-olga", "r2")
        assert await store.accounts.use_recovery_code("u-olga", "r3")

    run(place, story)


def test_a_second_factor_that_is_on_cannot_be_replaced_without_being_turned_off(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await signed_in(store)
        await store.accounts.start_totp("u-olga", "FIRST")
        await store.accounts.turn_totp_on("u-olga", step=7, code_hashes=[], company_id=ACME, author=AUTHOR)
        await store.accounts.start_totp("u-olga", "SECOND")
        user = await store.accounts.user_of_email("olga@acme.example")
        assert user is not None
        assert user.totp_secret == "FIRST"
        await store.accounts.turn_totp_off("u-olga", company_id=ACME, author=AUTHOR)
        user = await store.accounts.user_of_email("olga@acme.example")
        assert user is not None
        assert (user.totp_on, user.totp_secret) == (False, None)

    run(place, story)


# API keys


def key(name: str = "crm", *, lifetime: timedelta | None = timedelta(days=30)) -> NewKey:
    return NewKey(
        key_hash=f"hash of {name}",
        key_id=f"k-{name}",
        company_id=ACME,
        name=name,
        hint="wxyz",
        scopes=frozenset({Scope.READ, Scope.PINGS}),
        created_by="Olga",
        lifetime=lifetime,
    )


def test_a_key_is_found_by_its_hash_until_it_expires(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.make_key(key(), author=AUTHOR)
        found = await store.accounts.find_key("hash of crm")
        assert found is not None
        assert (found.company_id, found.scopes) == (ACME, {Scope.READ, Scope.PINGS})
        assert await store.accounts.find_key("hash of nothing") is None
        place.clock.advance(timedelta(days=30).total_seconds())
        assert await store.accounts.find_key("hash of crm") is None

    run(place, story)


def test_the_last_use_of_a_key_is_noted_at_most_once_a_minute(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.make_key(key(), author=AUTHOR)
        seen = []
        for _ in range(4):
            await store.accounts.find_key("hash of crm")
            [listed] = await store.accounts.keys(ACME)
            assert listed.used_at is not None
            seen.append((listed.used_at - START).total_seconds())
            place.clock.advance(30)
        assert seen == [0, 0, 60, 60]

    run(place, story)


def test_a_rotated_key_goes_on_for_the_overlap_beside_the_new_one(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.make_key(key(), author=AUTHOR)
        how = {"hint": "abcd", "overlap": timedelta(hours=1), "author": AUTHOR}
        rotated = await asyncio.gather(
            *(
                store.accounts.rotate_key(ACME, "k-crm", token_hash=f"new {one}", new_id=f"k-new{one}", **how)  # type: ignore[arg-type]  # -- a test may be loose with types
                for one in range(3)
            )
        )
        assert sorted(rotated) == [False, False, True]
        assert await store.accounts.find_key("hash of crm") is not None
        [new] = [one for one in await store.accounts.keys(ACME) if one.replaced_by is None]
        assert (new.name, new.scopes, new.expires_at) == ("crm", {Scope.READ, Scope.PINGS}, START + timedelta(days=30))
        place.clock.advance(3600)
        assert await store.accounts.find_key("hash of crm") is None
        assert await store.accounts.find_key(f"new {rotated.index(True)}") is not None

    run(place, story)


def test_a_rotation_is_audited_with_the_end_of_the_old_key_and_all_of_the_new_one(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.make_key(key(), author=AUTHOR)
        await store.accounts.rotate_key(
            ACME, "k-crm", token_hash="n", new_id="k-new", hint="abcd", overlap=timedelta(hours=1), author=AUTHOR
        )
        changes = [(one.entry.path, one.entry.before, one.entry.after) for one in await store.audit.listing(ACME)]
        lasting = f"pings, read, until {START + timedelta(days=30):%Y-%m-%d %H:%M} UTC"
        ending = f"pings, read, until {START + timedelta(hours=1):%Y-%m-%d %H:%M} UTC, replaced by …abcd"
        assert changes == [
            ("api_keys[crm …abcd]", None, lasting),
            ("api_keys[crm …wxyz]", lasting, ending),
            ("api_keys[crm …wxyz]", None, lasting),
        ]

    run(place, story)


def test_a_key_ends_at_once_and_another_company_cannot_end_it(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.make_key(key(lifetime=None), author=AUTHOR)
        assert not await store.accounts.end_key(OTHER, "k-crm", author=AUTHOR)
        assert await store.accounts.end_key(ACME, "k-crm", author=AUTHOR)
        assert await store.accounts.find_key("hash of crm") is None
        assert not await store.accounts.end_key(ACME, "k-crm", author=AUTHOR)
        changes = [(one.entry.path, one.entry.after) for one in await store.audit.listing(ACME)]
        assert changes == [("api_keys[crm …wxyz]", None), ("api_keys[crm …wxyz]", "pings, read")]

    run(place, story)
