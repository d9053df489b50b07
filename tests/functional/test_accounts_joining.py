"""How people come to be in a company: by the link from the terminal, by an invitation, by making a company."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import httpx
import pytest

from ringbid.accounts.actor import Role
from ringbid.accounts.claiming import LINK_GOOD_FOR
from ringbid.accounts.people import Grant
from ringbid.accounts.tokens import hash_token
from ringbid.values.ids import BuyerId, CompanyId, PublisherId
from support.accounts import ACME, ANALYST, AUTHOR, OWNER
from support.accounts_desk import ACME_TEXT, PASSWORD, AccountsDesk, Browser, accounts_desk, shown
from support.stores import StorePlace

OLGA = {"name": "Olga Owner", "email": "olga@acme.example", "password": PASSWORD}
COMPANY = {"company": "Leads Inc", "time_zone": "America/Chicago", "currency": "USD"}
_LINK = re.compile(r'http://testserver\.local(/invitation/[\w-]{43})"')


def run(
    place: StorePlace, story: Callable[[AccountsDesk], Awaitable[None]], *, catalog: str | None = ACME_TEXT
) -> None:
    async def happen() -> None:
        async with accounts_desk(place, catalog=catalog) as desk:
            await story(desk)

    asyncio.run(happen())


async def link(desk: AccountsDesk, *, user_id: str | None = None) -> str:
    await desk.store.accounts.make_link(hash_token("token"), user_id=user_id, lifetime=LINK_GOOD_FOR)
    return "/claim/token"


# The link from the terminal


def test_a_claim_makes_the_owner_of_what_is_there_and_signs_in(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser, path = await desk.browser(), await link(desk)
        assert "with Acme Calls in it" in shown(await browser.get(path))
        answer = await browser.post(path, **OLGA)
        assert (answer.status_code, answer.headers["location"]) == (303, "/start")
        page = shown(await browser.get("/settings/account"))
        assert "This installation is yours." in page
        assert "Owner of Acme Calls" in page
        assert ("users[olga@acme.example]", None, "owner") in await desk.audited()

    run(sqlite_place, story)


def test_a_claim_of_an_empty_installation_makes_its_first_company(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser, path = await desk.browser(), await link(desk)
        page = await browser.get(path)
        assert 'name="company"' in page.text
        assert (await browser.post(path, **OLGA, **COMPANY)).status_code == 303
        await desk.catalogs.refresh()
        assert "Owner of Leads Inc, America/Chicago" in shown(await browser.get("/settings/account"))

    run(sqlite_place, story, catalog=None)


def test_a_link_is_good_once_and_opening_it_uses_nothing_up(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        path = await link(desk)
        first, second = await desk.browser(), await desk.browser()
        for browser in (first, second, first):
            assert (await browser.get(path)).status_code == 200
        assert (await first.post(path, **OLGA)).status_code == 303
        late = await second.post(path, **{**OLGA, "email": "eve@evil.example"})
        assert (late.status_code, "This link is over" in shown(late)) == (410, True)
        assert len(await desk.store.accounts.owners()) == 1

    run(sqlite_place, story)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "Write your name"),
        ({"email": "olga"}, "Write your e-mail address"),
        ({"password": "short"}, "It has 5 characters. Take at least 15"),
        ({"password": "olga owner olga owner"}, "It is easily guessed"),
        ({"company": ""}, "Give your company a name."),
        ({"time_zone": "Mars/Base"}, "This is &#34;Mars/Base&#34;; allowed:"),
        ({"currency": "Taler"}, "This is &#34;Taler&#34;; allowed:"),
    ],
)
def test_what_is_wrong_with_a_claim_is_told_and_the_link_stays_good(
    sqlite_place: StorePlace, wrong: dict[str, str], said: str
) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser, path = await desk.browser(), await link(desk)
        await browser.get(path)
        answer = await browser.post(path, **{**OLGA, **COMPANY, **wrong})
        assert (answer.status_code, said in answer.text) == (422, True), answer.text
        assert 'aria-invalid="true"' in answer.text
        assert (await browser.post(path, **OLGA, **COMPANY)).status_code == 303

    run(sqlite_place, story, catalog=None)


def test_a_link_that_signs_in_shows_a_button_and_lets_a_new_password_be_set(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        user_id = await desk.add("olga")
        browser, path = await desk.browser(), await link(desk, user_id=user_id)
        assert "Sign in as Olga" in shown(await browser.get(path))
        assert (await browser.post(path)).status_code == 303
        page = await browser.get("/settings/account")
        assert 'name="current"' not in page.text
        new = "seven green otters waltz"
        assert (await browser.post("/settings/account/password", password=new, again=new)).status_code == 303
        assert (await (await desk.browser()).get(path)).status_code == 410

    run(sqlite_place, story)


@pytest.mark.parametrize("path", ["/claim/nothing", "/invitation/nothing"])
def test_a_link_that_never_was_is_over_too(sqlite_place: StorePlace, path: str) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.browser()
        assert (await browser.get(path)).status_code == 410
        await browser.get("/sign-in")
        assert (await browser.post(path, **OLGA)).status_code == 410

    run(sqlite_place, story)


# Invitations


async def invite(owner: Browser, **fields: str) -> str:
    """The path of a new invitation."""
    answer = await owner.post("/settings/users/invite", **{"email": "ann@acme.example", "role": "analyst", **fields})
    assert answer.status_code == 200, answer.text
    found = _LINK.search(answer.text)
    assert found is not None
    return found[1]


async def accept(browser: Browser, path: str, **fields: str) -> httpx.Response:
    await browser.get("/sign-in")
    await browser.get(path)
    return await browser.post(path, **{"name": "Ann", "email": "ann@acme.example", "password": PASSWORD, **fields})


def test_somebody_new_joins_by_an_invitation_as_what_it_says(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner, browser = await desk.signed_in(), await desk.browser()
        path = await invite(owner, role="publisher", publisher_id="P1", tags="caller_zip")
        assert "Olga invites you as publisher P1, sees caller_zip." in shown(await browser.get(path))
        assert (await accept(browser, path)).status_code == 303
        [membership] = [
            one
            for member in await desk.store.accounts.members(ACME)
            if member.name == "Ann"
            for one in await desk.store.accounts.memberships(member.user_id)
        ]
        granted = Grant(role=Role.PUBLISHER, publisher_id=PublisherId("P1"), tags=frozenset({"caller_zip"}))
        assert membership.grant == granted
        assert (await browser.get("/audit")).status_code == 403

    run(sqlite_place, story)


def test_an_invitation_is_accepted_once_in_any_session(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        other = CompanyId("other")
        person = await desk.signed_in("otto", OWNER, company_id=other)
        path = await invite(owner)
        page = shown(await person.get(path))
        assert "Join as Otto" in page
        assert (await person.post(path)).status_code == 303
        assert "Analyst of Acme Calls" in shown(await person.get("/settings/account"))
        assert (await accept(await desk.browser(), path)).status_code == 410
        again = await invite(owner)
        answer = await person.post(again)
        assert (answer.status_code, "You are a member of this company already." in shown(answer)) == (422, True)

    run(sqlite_place, story)


def test_who_has_an_account_is_asked_for_its_password(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        path = await invite(owner)
        other = {"email": "olga@acme.example", "password": "seven green otters waltz"}
        answer = await accept(await desk.browser(), path, **other)
        assert (answer.status_code, "There is an account of this address." in shown(answer)) == (422, True)

    run(sqlite_place, story)


def test_who_was_removed_comes_back_by_an_invitation_with_the_account_of_before(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner, _ = await desk.signed_in(), await desk.signed_in("ann", ANALYST)
        await owner.get("/settings/users/u-ann")
        assert (await owner.post("/settings/users/u-ann/remove")).status_code == 303
        path, browser = await invite(owner, role="manager"), await desk.browser()
        assert (await accept(browser, path)).status_code == 303
        assert "Manager of Acme Calls" in shown(await browser.get("/settings/account"))
        assert [one.grant for one in await desk.store.accounts.memberships("u-ann")] == [Grant(role=Role.MANAGER)]

    run(sqlite_place, story)


def test_an_account_with_one_time_codes_joins_with_its_password_and_still_needs_a_code(
    sqlite_place: StorePlace,
) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        await desk.signed_in("ann", ANALYST, company_id=CompanyId("other"))
        await desk.store.accounts.start_totp("u-ann", "A" * 32)
        await desk.store.accounts.turn_totp_on("u-ann", step=1, code_hashes=[], company_id=ACME, author=AUTHOR)
        browser = await desk.browser()
        joined = await accept(browser, await invite(owner))
        assert joined.headers["location"].startswith("/sign-in/code")
        assert (await browser.get("/settings/account")).status_code == 303
        assert ACME in [one.company_id for one in await desk.store.accounts.memberships("u-ann")]

    run(sqlite_place, story)


def test_a_withdrawn_invitation_is_over(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        path = await invite(owner)
        found = re.search(r"/settings/invitations/[\w]+/withdraw", (await owner.get("/settings/users")).text)
        assert found is not None
        assert (await owner.post(found[0])).status_code == 303
        assert (await accept(await desk.browser(), path)).status_code == 410
        assert (await owner.post(found[0])).status_code == 404

    run(sqlite_place, story)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"email": "ann"}, "an e-mail address such as"),
        ({"role": "king"}, "Choose a role."),
        ({"role": "publisher"}, "a publisher."),
        ({"role": "publisher", "publisher_id": "P2"}, "has no such publisher"),
        ({"role": "buyer", "buyer_id": "zulu"}, "has no such buyer"),
        ({"role": "publisher", "publisher_id": "P1", "tags": "<b>"}, "is no name of a tag"),
    ],
)
def test_a_wrong_invitation_is_told_and_not_made(sqlite_place: StorePlace, fields: dict[str, str], said: str) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        answer = await owner.post(
            "/settings/users/invite", **{"email": "ann@acme.example", "role": "analyst", **fields}
        )
        assert (answer.status_code, said in shown(answer)) == (422, True), shown(answer)
        assert await desk.store.accounts.invitations(ACME) == ()

    run(sqlite_place, story)


# Members


def test_an_owner_changes_and_removes_members_at_once(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner, ann = await desk.signed_in(), await desk.signed_in("ann", ANALYST)
        assert "ann@acme.example" in shown(await owner.get("/settings/users"))
        await owner.get("/settings/users/u-ann")
        assert (await owner.post("/settings/users/u-ann", role="buyer", buyer_id="alpha")).status_code == 303
        assert (await ann.get("/audit")).status_code == 403
        [member] = [one for one in await desk.store.accounts.members(ACME) if one.user_id == "u-ann"]
        assert member.grant == Grant(role=Role.BUYER, buyer_id=BuyerId("alpha"))
        assert (await owner.post("/settings/users/u-ann/remove")).status_code == 303
        assert (await ann.get("/settings/account")).status_code == 303

    run(sqlite_place, story)


def test_the_only_owner_stays(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        for path, fields in (("/settings/users/u-olga/remove", {}), ("/settings/users/u-olga", {"role": "analyst"})):
            answer = await owner.post(path, **fields)
            assert (answer.status_code, "the company's only owner" in shown(answer)) == (422, True)

    run(sqlite_place, story)


def test_another_company_s_user_is_like_none(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        await desk.add("otto", OWNER, company_id=CompanyId("other"))
        foreign, nobody = await owner.get("/settings/users/u-otto"), await owner.get("/settings/users/u-nils")
        assert (foreign.status_code, foreign.text.replace("u-otto", "u-nils")) == (404, nobody.text)
        assert (await owner.post("/settings/users/u-otto/remove")).status_code == 404

    run(sqlite_place, story)


# Companies


def test_an_owner_makes_another_company_and_is_in_it(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        wrong = await owner.post("/settings/companies", **{**COMPANY, "currency": "Taler"})
        assert (wrong.status_code, "Taler" in shown(wrong)) == (422, True)
        assert (await owner.post("/settings/companies", **COMPANY)).status_code == 303
        await desk.catalogs.refresh()
        assert "Owner of Leads Inc" in shown(await owner.get("/settings/companies"))
        taken = await owner.post("/settings/companies", **COMPANY)
        assert (taken.status_code, "of this name already" in shown(taken)) == (422, True)

    run(sqlite_place, story)
