"""Signing in and out, as a browser does it: what is refused is told, and tells nothing else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import pyotp
import pytest

from ringbid.accounts.actor import Role
from ringbid.accounts.people import Grant
from ringbid.accounts.sessions import IDLE
from ringbid.accounts.throttle import MOST_OF_ACCOUNT, MOST_OF_ADDRESS, WINDOW_SECONDS
from ringbid.settings import Settings
from ringbid.values.ids import CompanyId
from support.accounts import ACME, ANALYST, AUTHOR, OWNER
from support.accounts_desk import PASSWORD, AccountsDesk, accounts_desk, shown
from support.stores import StorePlace

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def run(place: StorePlace, story: Callable[[AccountsDesk], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with accounts_desk(place) as desk:
            await story(desk)

    asyncio.run(happen())


def test_who_signs_in_gets_a_session_and_is_led_where_it_wanted(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        await desk.add("olga")
        browser = await desk.browser()
        page = await browser.get("/settings/account?x=1")
        assert page.headers["location"] == "/sign-in?next=/settings/account%3Fx%3D1"
        await browser.get(page.headers["location"])
        answer = await browser.post(
            "/sign-in", email=" Olga@acme.example", password=PASSWORD, next="/settings/account?x=1"
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/settings/account?x=1")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "secure" not in cookie
        assert "You sign in as olga@acme.example" in shown(await browser.get("/settings/account"))

    run(sqlite_place, story)


def test_with_https_the_cookie_is_for_this_host_over_https_alone(sqlite_place: StorePlace) -> None:
    settings = sqlite_place.settings.model_copy(update={"public_url": "https://calls.example"})
    place = StorePlace("sqlite", Settings.model_validate(settings.model_dump()), sqlite_place.clock)

    async def story(desk: AccountsDesk) -> None:
        await desk.add("olga")
        browser = await desk.browser(cookie="__Host-ringbid_visitor=v")
        token = re.search(r'name="csrf" value="(\w+)"', (await browser.get("/sign-in")).text)
        assert token is not None
        answer = await browser.post("/sign-in", token=token[1], email="olga@acme.example", password=PASSWORD)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-ringbid=")
        assert {"secure", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
        assert "domain" not in cookie.lower()

    run(place, story)


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        await desk.add("olga")
        browser = await desk.browser()
        await browser.get("/sign-in")
        answers = []
        for email in ("olga@acme.example", "nils@acme.example"):
            answer = await browser.post("/sign-in", email=email, password="wrong password here")
            assert answer.status_code == 422
            answers.append(answer.text.replace(email, "X"))
        assert answers[0] == answers[1]
        assert "The e-mail address or the password is wrong." in answers[0]

    run(sqlite_place, story)


def test_sign_in_leads_to_this_server_alone(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        await desk.add("olga")
        for wanted in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
            browser = await desk.browser()
            await browser.get("/sign-in")
            answer = await browser.post("/sign-in", email="olga@acme.example", password=PASSWORD, next=wanted)
            assert answer.headers["location"] == "/start"

    run(sqlite_place, story)


def test_an_account_is_tried_so_often_whatever_the_address_and_right_or_wrong(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        await desk.add("olga")
        for number in range(MOST_OF_ACCOUNT):
            browser = await desk.browser(address=f"198.51.100.{number}")
            await browser.get("/sign-in")
            assert (await browser.post("/sign-in", email="olga@acme.example", password="x")).status_code == 422
        late = await browser.post("/sign-in", email="olga@acme.example", password=PASSWORD)
        assert late.status_code == 429
        assert int(late.headers["retry-after"]) <= WINDOW_SECONDS + 1
        desk.place.clock.advance(WINDOW_SECONDS + 1)
        assert (await browser.post("/sign-in", email="olga@acme.example", password=PASSWORD)).status_code == 303

    run(sqlite_place, story)


def test_one_address_tries_so_many_accounts(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        throttle = desk.web.state.office.people.sign_in.throttle
        for number in range(MOST_OF_ADDRESS):
            throttle.count(account=f"a{number}@acme.example", address="192.0.2.1")
        browser, elsewhere = await desk.browser(), await desk.browser(address="203.0.113.9")
        for one, status in ((browser, 429), (elsewhere, 422)):
            await one.get("/sign-in")
            assert (await one.post("/sign-in", email="new@acme.example", password="x")).status_code == status

    run(sqlite_place, story)


def test_the_token_changes_with_signing_in_and_what_was_planted_is_worth_nothing(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        await desk.add("olga")
        browser = await desk.browser()
        browser._client.cookies.set("ringbid", "planted")
        await browser.get("/sign-in")
        await browser.post("/sign-in", email="olga@acme.example", password=PASSWORD)
        thief = await desk.browser()
        thief._client.cookies.set("ringbid", "planted")
        assert (await thief.get("/settings/account")).status_code == 303

    run(sqlite_place, story)


def test_signing_out_ends_the_session_itself(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        stolen = browser.cookie()
        assert stolen is not None
        answer = await browser.post("/sign-out")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        thief = await desk.browser()
        thief._client.cookies.set("ringbid", stolen)
        assert (await thief.get("/settings/account")).status_code == 303

    run(sqlite_place, story)


def test_an_idle_session_is_over(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        desk.place.clock.advance(IDLE.total_seconds() - 1)
        assert (await browser.get("/settings/account")).status_code == 200
        desk.place.clock.advance(IDLE.total_seconds() - 1)
        assert (await browser.get("/settings/account")).status_code == 200
        desk.place.clock.advance(IDLE.total_seconds())
        assert (await browser.get("/settings/account")).status_code == 303

    run(sqlite_place, story)


def test_with_one_time_codes_a_password_alone_opens_nothing(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        user_id = await desk.add("olga")
        await desk.store.accounts.start_totp(user_id, SECRET)
        await desk.store.accounts.turn_totp_on(user_id, step=1, code_hashes=[], company_id=ACME, author=AUTHOR)
        browser = await desk.browser()
        await browser.get("/sign-in")
        answer = await browser.post("/sign-in", email="olga@acme.example", password=PASSWORD, next="/audit?path=a")
        assert answer.headers["location"] == "/sign-in/code?next=%2Faudit%3Fpath%3Da"
        assert (await browser.get("/settings/account")).status_code == 303
        page = await browser.get(answer.headers["location"])
        assert 'value="/audit?path=a"' in page.text
        wrong = await browser.post("/sign-in/code", code="000000")
        assert (wrong.status_code, "The code is wrong" in shown(wrong)) == (422, True)
        code = pyotp.TOTP(SECRET).at(desk.place.clock.now())
        done = await browser.post("/sign-in/code", code=code, next="/audit?path=a")
        assert (done.status_code, done.headers["location"]) == (303, "/audit?path=a")
        assert (await browser.get("/settings/account")).status_code == 200
        replay = await desk.browser()
        await replay.get("/sign-in")
        await replay.post("/sign-in", email="olga@acme.example", password=PASSWORD)
        await replay.get("/sign-in/code")
        assert (await replay.post("/sign-in/code", code=code)).status_code == 422

    run(sqlite_place, story)


def test_codes_are_guessed_so_often_even_by_who_knows_the_password(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        user_id = await desk.add("olga")
        await desk.store.accounts.start_totp(user_id, SECRET)
        await desk.store.accounts.turn_totp_on(user_id, step=1, code_hashes=[], company_id=ACME, author=AUTHOR)
        browser = await desk.browser()
        statuses = []
        for _ in range(MOST_OF_ACCOUNT):
            await browser.get("/sign-in")
            statuses.append((await browser.post("/sign-in", email="olga@acme.example", password=PASSWORD)).status_code)
            await browser.get("/sign-in/code")
            statuses.append((await browser.post("/sign-in/code", code="000000")).status_code)
        assert statuses.count(429) == MOST_OF_ACCOUNT
        assert statuses[-1] == 429

    run(sqlite_place, story)


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        ({}, None, 303),
        ({}, "", 403),
        ({}, "0" * 64, 403),
        ({"sec_fetch_site": "same-origin"}, None, 303),
        ({"sec_fetch_site": "cross-site"}, None, 403),
        ({"sec_fetch_site": "same-site"}, None, 403),
        ({"origin": "http://testserver.local"}, None, 303),
        ({"origin": "https://evil.example"}, None, 403),
        ({"origin": "null"}, None, 403),
    ],
)
def test_a_form_is_taken_from_our_own_pages_alone(
    sqlite_place: StorePlace, headers: dict[str, str], token: str | None, status: int
) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        browser._headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await browser.post("/settings/account/sessions/end-others", token=token)
        assert answer.status_code == status, answer.text

    run(sqlite_place, story)


def test_a_form_of_one_session_is_nothing_in_another(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        olga, otto = await desk.signed_in("olga"), await desk.signed_in("otto")
        answer = await otto.post("/settings/account/sessions/end-others", token=olga._token)
        assert (answer.status_code, "of an earlier visit" in shown(answer)) == (403, True)

    run(sqlite_place, story)


def test_htmx_and_json_need_no_token_but_the_same_site(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        path = "/settings/account/sessions/end-others"
        browser._headers |= {"hx-request": "true", "sec-fetch-site": "same-origin"}
        assert (await browser.post(path, token="")).status_code == 303
        browser._headers["sec-fetch-site"] = "cross-site"
        assert (await browser.post(path, token="")).status_code == 403

    run(sqlite_place, story)


def test_each_role_begins_where_it_may(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        analyst = await desk.signed_in("ann", ANALYST)
        start = (await analyst.get("/start")).headers["location"]
        assert (await analyst.get(start)).status_code in {200, 303}
        assert (await analyst.get("/settings/users")).status_code == 403
        assert (await analyst.get("/audit")).status_code == 200

    run(sqlite_place, story)


def test_a_person_of_two_companies_switches_between_them_and_to_no_other(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        second, third = await desk.make_company("Second Inc"), await desk.make_company("Third Inc")
        browser = await desk.signed_in("olga")
        await desk.store.accounts._writer.transact(lambda session: _join(session, "u-olga", second))
        page = await browser.get("/settings/account")
        assert f'name="company" value="{second}"' in page.text, "the menu offers it"
        assert f'name="company" value="{third}"' not in page.text
        assert "Third Inc" not in page.text
        await browser.post("/company", company=third)
        assert "Owner of Acme Calls" in shown(await browser.get("/settings/account"))
        await browser.post("/company", company=second)
        assert "Manager of Second Inc" in shown(await browser.get("/settings/account"))

    run(sqlite_place, story)


def _join(session: object, user_id: str, company_id: CompanyId) -> None:
    from ringbid.store.accounts_people import make_member

    make_member(session, user_id, company_id, Grant(role=Role.MANAGER), 0)  # type: ignore[arg-type]  # -- as the writer calls it


def test_who_is_no_member_of_anything_is_told_so_after_the_right_password(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        await desk.add("olga")
        await desk.add("otto", OWNER)
        await desk.store.accounts.remove_member(ACME, "u-otto", author=AUTHOR)
        browser = await desk.browser()
        await browser.get("/sign-in")
        answer = await browser.post("/sign-in", email="otto@acme.example", password=PASSWORD)
        assert (answer.status_code, "belongs to no company" in shown(answer)) == (422, True)

    run(sqlite_place, story)
