"""People, links and invitations on both databases: what is used once is used once, and a company keeps an owner."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from ringbid.accounts.actor import Role
from ringbid.accounts.audit import Author
from ringbid.accounts.claiming import LINK_GOOD_FOR, Claimed, ClaimLink
from ringbid.accounts.companies import NewCompany, read_company
from ringbid.accounts.invitations import GOOD_FOR, Accepted, NewInvitation
from ringbid.accounts.people import Grant, NewUser
from ringbid.accounts.ports import MemberChange
from ringbid.store.opening import Store
from ringbid.values.ids import CompanyId, PublisherId
from support.accounts import ACME, ANALYST, AUTHOR, OWNER, add_user, newcomer
from support.stores import StorePlace, run


def company(name: str = "Acme") -> NewCompany:
    made = read_company(name=name, time_zone="America/New_York", currency="USD")
    assert isinstance(made, NewCompany)
    return made


async def audited(store: Store, company_id: CompanyId = ACME) -> list[tuple[str, str | None, str | None]]:
    changes = await store.audit.listing(company_id)
    return [(change.entry.path, change.entry.before, change.entry.after) for change in changes]


# Claiming


def test_a_claim_makes_an_owner_of_its_new_company_and_of_all_others(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.apply_catalog(CompanyId("other"), company("Other").document, applied_by="root")
        await store.accounts.make_link("link", user_id=None, lifetime=LINK_GOOD_FOR)
        assert await store.accounts.find_link("link") == ClaimLink(None)
        assert await store.accounts.claim("link", newcomer("olga"), company()) is Claimed.DONE
        memberships = await store.accounts.memberships("u-olga")
        assert [(one.company_id, one.grant) for one in memberships] == [("acme", OWNER), ("other", OWNER)]
        assert [company_id for company_id, _ in (await store.catalog_heads())[1]] == ["acme", "other"]
        assert ("users[olga@acme.example]", None, "owner") in await audited(store)

    run(place, story)


def test_of_many_who_race_for_a_claim_link_one_wins(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.make_link("link", user_id=None, lifetime=LINK_GOOD_FOR)
        async with place.open() if place.database == "postgresql" else _same(store) as other:
            claims = [
                each.accounts.claim("link", newcomer(f"n{number}"), company())
                for number in range(10)
                for each in (store, other)
                if each is store or number % 2
            ]
            ended = Counter(await asyncio.gather(*claims, return_exceptions=False))
        assert ended[Claimed.DONE] == 1
        assert set(ended) <= {Claimed.DONE, Claimed.OVER, Claimed.ALREADY}
        assert len(await store.accounts.owners()) == 1

    run(place, story)


class _same:  # noqa: N801 -- used like a function, in a with statement
    def __init__(self, store: Store) -> None:
        self._store = store

    async def __aenter__(self) -> Store:
        return self._store

    async def __aexit__(self, *_: object) -> None: ...


def test_a_link_that_signs_in_is_over_when_a_newer_one_is_made(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await add_user(store, "olga", OWNER)
        await store.accounts.make_link("old", user_id="u-olga", lifetime=LINK_GOOD_FOR)
        await store.accounts.make_link("new", user_id="u-olga", lifetime=LINK_GOOD_FOR)
        assert await store.accounts.use_link("old") is None
        assert await store.accounts.use_link("new") is not None

    run(place, story)


def test_a_link_is_over_after_its_time(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.make_link("new", user_id=None, lifetime=LINK_GOOD_FOR)
        place.clock.advance(LINK_GOOD_FOR.total_seconds())
        assert await store.accounts.find_link("new") is None
        assert await store.accounts.claim("new", newcomer("olga"), company()) is Claimed.OVER

    run(place, story)


def test_who_claims_an_installation_that_has_a_user_already_is_refused(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.make_link("link", user_id=None, lifetime=LINK_GOOD_FOR)
        await add_user(store, "olga", OWNER)
        assert await store.accounts.claim("link", newcomer("eve"), company()) is Claimed.ALREADY

    run(place, story)


def test_an_owner_made_at_the_terminal_with_a_company_is_audited_with_both(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        for name in ("olga", "otto"):  # for the second, there is the company already
            await store.accounts.make_owner(newcomer(name), company(), author=Author(name="root"))
        assert sorted(await audited(store)) == [
            ("company", None, "Acme"),
            ("users[olga@acme.example]", None, "owner"),
            ("users[otto@acme.example]", None, "owner"),
        ]

    run(place, story)


def test_no_link_claims_an_installation_any_more_once_it_has_an_owner(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        for link in ("first", "second"):
            await store.accounts.make_link(link, user_id=None, lifetime=LINK_GOOD_FOR)
        assert await store.accounts.claim("first", newcomer("olga"), company()) is Claimed.DONE
        assert await store.accounts.find_link("second") is None

    run(place, story)


def test_a_sign_in_link_is_used_once_and_claims_nothing(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await add_user(store, "olga", OWNER)
        await store.accounts.make_link("link", user_id="u-olga", lifetime=LINK_GOOD_FOR)
        assert await store.accounts.claim("link", newcomer("eve"), company()) is Claimed.OVER
        used = await asyncio.gather(*(store.accounts.use_link("link") for _ in range(5)))
        assert [user.user_id for user in used if user is not None] == ["u-olga"]

    run(place, story)


def test_a_company_from_the_terminal_becomes_that_of_whoever_claimed(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.make_link("link", user_id=None, lifetime=LINK_GOOD_FOR)
        await store.accounts.claim("link", newcomer("olga"), company())
        await store.apply_catalog(CompanyId("late"), company("Late").document, applied_by="root")
        assert await store.accounts.adopt_companies() == 1
        assert await store.accounts.adopt_companies() == 0
        assert [one.company_id for one in await store.accounts.memberships("u-olga")] == ["acme", "late"]

    run(place, story)


def test_a_company_that_somebody_makes_is_theirs_alone(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.make_link("link", user_id=None, lifetime=LINK_GOOD_FOR)
        await store.accounts.claim("link", newcomer("olga"), company())
        await add_user(store, "mia", Grant(role=Role.MANAGER))
        assert await store.accounts.add_company(company("Mia's"), owner_id="u-mia", author=AUTHOR)
        assert not await store.accounts.add_company(company("Mia's"), owner_id="u-mia", author=AUTHOR)
        assert [one.company_id for one in await store.accounts.memberships("u-olga")] == ["acme"]
        assert ("company", None, "Mia's") in await audited(store, CompanyId("mia-s"))

    run(place, story)


# Members


def test_a_member_is_changed_and_removed_and_the_log_says_from_what_to_what(place: StorePlace) -> None:
    publisher = Grant(role=Role.PUBLISHER, publisher_id=PublisherId("4321ABCD"), tags=frozenset({"zip", "age"}))

    async def story(store: Store) -> None:
        await add_user(store, "olga", OWNER)
        await add_user(store, "paul", ANALYST)
        assert await store.accounts.change_member(ACME, "u-paul", publisher, author=AUTHOR) is MemberChange.DONE
        assert {one.user_id: one.grant for one in await store.accounts.members(ACME)}["u-paul"] == publisher
        assert await store.accounts.remove_member(ACME, "u-paul", author=AUTHOR) is MemberChange.DONE
        assert await store.accounts.memberships("u-paul") == ()
        described = "publisher 4321ABCD, sees age, zip"
        path = "users[paul@acme.example]"
        assert (await audited(store))[:2] == [(path, described, None), (path, "analyst", described)]

    run(place, story)


def test_the_last_owner_stays_owner_whatever_is_tried_at_once(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await add_user(store, "olga", OWNER)
        await add_user(store, "otto", OWNER)
        ended = await asyncio.gather(
            store.accounts.remove_member(ACME, "u-olga", author=AUTHOR),
            store.accounts.change_member(ACME, "u-otto", ANALYST, author=AUTHOR),
        )
        assert sorted(one.value for one in ended) == ["done", "last owner"]
        assert len(await store.accounts.owners()) == 1

    run(place, story)


def test_a_member_of_another_company_is_like_nobody(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await add_user(store, "olga", OWNER)
        foreign = await store.accounts.remove_member(CompanyId("other"), "u-olga", author=AUTHOR)
        nobody = await store.accounts.remove_member(CompanyId("other"), "u-nobody", author=AUTHOR)
        assert foreign is nobody is MemberChange.UNKNOWN

    run(place, story)


# Invitations


def invitation(token: str = "offer", *, grant: Grant = ANALYST, company_id: CompanyId = ACME) -> NewInvitation:
    return NewInvitation(
        token_hash=token, invitation_id=f"i-{token}", company_id=company_id, email="ann@acme.example", grant=grant
    )


def test_an_invitation_is_accepted_once_by_a_newcomer_or_by_somebody_with_an_account(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await add_user(store, "olga", OWNER)
        await add_user(store, "otto", OWNER, company_id=CompanyId("other"))
        await store.accounts.invite(invitation(), lifetime=GOOD_FOR, author=AUTHOR)
        ended = await asyncio.gather(
            store.accounts.accept_as("offer", newcomer("ann")),
            store.accounts.accept("offer", user_id="u-otto"),
            store.accounts.accept_as("offer", newcomer("eve")),
        )
        assert sorted(one.value for one in ended) == ["joined", "over", "over"]
        assert len(await store.accounts.members(ACME)) == 2
        assert await store.accounts.find_invitation("offer") is None

    run(place, story)


def test_an_address_that_has_an_account_is_no_newcomer_and_the_invitation_stays_good(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await add_user(store, "otto", OWNER, company_id=CompanyId("other"))
        await store.accounts.invite(invitation(), lifetime=GOOD_FOR, author=AUTHOR)
        again = NewUser(user_id="u-2", email="otto@acme.example", name="Otto", password_hash="x")
        assert await store.accounts.accept_as("offer", again) is Accepted.EMAIL_TAKEN
        assert await store.accounts.accept("offer", user_id="u-otto") is Accepted.JOINED

    run(place, story)


def test_a_member_does_not_use_up_an_invitation_to_its_own_company(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await add_user(store, "olga", OWNER)
        await store.accounts.invite(invitation(), lifetime=GOOD_FOR, author=AUTHOR)
        assert await store.accounts.accept("offer", user_id="u-olga") is Accepted.MEMBER_ALREADY
        assert await store.accounts.find_invitation("offer") is not None

    run(place, story)


def test_an_invitation_ends_by_its_time_and_by_being_withdrawn(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.accounts.invite(invitation("a"), lifetime=GOOD_FOR, author=AUTHOR)
        await store.accounts.invite(invitation("b"), lifetime=timedelta(hours=1), author=AUTHOR)
        assert {one.invitation_id for one in await store.accounts.invitations(ACME)} == {"i-a", "i-b"}
        assert not await store.accounts.withdraw(CompanyId("other"), "i-a", author=AUTHOR)
        assert await store.accounts.withdraw(ACME, "i-a", author=AUTHOR)
        place.clock.advance(3600)
        assert await store.accounts.accept_as("a", newcomer("ann")) is Accepted.OVER
        assert await store.accounts.accept_as("b", newcomer("ann")) is Accepted.OVER
        assert ("invitations[ann@acme.example]", "analyst", None) in await audited(store)

    run(place, story)


def test_an_owner_from_the_terminal_needs_an_address_of_its_own(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        author = Author(name="root")
        assert await store.accounts.make_owner(newcomer("olga"), company(), author=author)
        assert not await store.accounts.make_owner(newcomer("olga"), None, author=author)
        assert [one.grant for one in await store.accounts.memberships("u-olga")] == [OWNER]

    run(place, story)
