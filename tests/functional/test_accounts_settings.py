"""One's own account, API keys, and the audit log, as the pages let people change and see them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pyotp
import pytest

from ringbid.accounts.audit import AuditEntry, Author
from ringbid.accounts.claiming import LINK_GOOD_FOR
from ringbid.accounts.throttle import MOST_OF_ACCOUNT
from ringbid.accounts.tokens import hash_token
from ringbid.values.ids import CompanyId
from support.accounts import ACME, ANALYST
from support.accounts_desk import PASSWORD, AccountsDesk, Browser, accounts_desk, shown
from support.stores import StorePlace

NEW = "seven green otters waltz"
_SECRET = re.compile(r'data-copy="([A-Z2-7]{32})"')
_CODE = re.compile(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}")
_KEY = re.compile(r'data-copy="(rbk_[\w-]{43})"')


def run(place: StorePlace, story: Callable[[AccountsDesk], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with accounts_desk(place) as desk:
            await story(desk)

    asyncio.run(happen())


async def sign_in(desk: AccountsDesk, password: str = PASSWORD) -> tuple[Browser, str]:
    """A browser in which olga gave her password, and where that led."""
    browser = await desk.browser()
    await browser.get("/sign-in")
    answer = await browser.post("/sign-in", email="olga@acme.example", password=password)
    return browser, answer.headers.get("location", "")


def code_of(desk: AccountsDesk, secret: str) -> str:
    return pyotp.TOTP(secret).at(desk.place.clock.now())


# Passwords and sessions


def test_a_new_password_needs_the_old_one_and_ends_all_other_sessions(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        elsewhere, _ = await sign_in(desk)
        answer = await browser.post("/settings/account/password", current=PASSWORD, password=NEW, again=NEW)
        assert answer.status_code == 303
        assert (await browser.get("/settings/account")).status_code == 200
        assert (await elsewhere.get("/settings/account")).status_code == 303
        assert (await sign_in(desk))[1] == ""
        assert (await sign_in(desk, NEW))[1] == "/start"
        assert ("users[olga@acme.example].password", None, "changed") in await desk.audited()

    run(sqlite_place, story)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"current": "wrong"}, "This is not your password."),
        ({"again": "another one"}, "The two new passwords differ."),
        ({"password": "short", "again": "short"}, "It has 5 characters."),
    ],
)
def test_a_wrong_change_of_the_password_is_told(sqlite_place: StorePlace, fields: dict[str, str], said: str) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        sent = {"current": PASSWORD, "password": NEW, "again": NEW, **fields}
        answer = await browser.post("/settings/account/password", **sent)
        assert (answer.status_code, said in shown(answer)) == (422, True)
        assert (await sign_in(desk))[1] == "/start"

    run(sqlite_place, story)


def test_a_name_and_an_address_are_changed_by_who_knows_the_password_and_audited(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        path, new = "/settings/account/person", {"name": " Olga  Petrova ", "email": "Olga.P@acme.example"}
        wrong = await browser.post(path, **new, person_current="not this one at all")
        assert (wrong.status_code, "This is not your password" in wrong.text) == (422, True)
        assert (await browser.post(path, **new, person_current=PASSWORD)).status_code == 303
        assert "You sign in as olga.p@acme.example" in shown(await browser.get("/settings/account"))
        assert (await sign_in(desk))[1] == "", "the old address signs nobody in"
        again = await desk.browser()
        await again.get("/sign-in")
        assert (await again.post("/sign-in", email="olga.p@acme.example", password=PASSWORD)).status_code == 303
        audited = await desk.audited()
        assert ("users[olga@acme.example].name", "Olga", "Olga Petrova") in audited
        assert ("users[olga@acme.example].email", "olga@acme.example", "olga.p@acme.example") in audited

    run(sqlite_place, story)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " ", "email": "olga@acme.example"}, "Write your name"),
        ({"name": "Olga", "email": "nowhere"}, "Write an e-mail address"),
        ({"name": "Olga", "email": "ann@acme.example"}, "Another account has this address"),
    ],
)
def test_a_wrong_name_or_address_changes_nothing(sqlite_place: StorePlace, fields: dict[str, str], said: str) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        await desk.add("ann", ANALYST)
        answer = await browser.post("/settings/account/person", **fields, person_current=PASSWORD)
        assert (answer.status_code, said in shown(answer)) == (422, True)
        assert "You sign in as olga@acme.example" in shown(await browser.get("/settings/account"))

    run(sqlite_place, story)


def test_who_holds_a_session_guesses_the_password_only_so_often(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        for _ in range(MOST_OF_ACCOUNT):
            await browser.post("/settings/account/password", current="wrong", password=NEW, again=NEW)
        answer = await browser.post("/settings/account/password", current=PASSWORD, password=NEW, again=NEW)
        assert (answer.status_code, "There were too many tries." in shown(answer)) == (422, True)

    run(sqlite_place, story)


def test_one_s_own_sessions_are_listed_and_ended_and_nobody_else_s(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser, otto = await desk.signed_in(), await desk.signed_in("otto")
        elsewhere, _ = await sign_in(desk)
        page = await browser.get("/settings/account")
        assert page.text.count("Firefox") == 2
        [path] = re.findall(r"/settings/account/sessions/s_\w+/end", page.text)
        assert (await otto.post(path)).status_code == 404
        assert (await elsewhere.get("/settings/account")).status_code == 200
        assert (await browser.post(path)).status_code == 303
        assert (await elsewhere.get("/settings/account")).status_code == 303
        third, _ = await sign_in(desk)
        await browser.post("/settings/account/sessions/end-others")
        assert (await third.get("/settings/account")).status_code == 303
        assert (await otto.get("/settings/account")).status_code == 200

    run(sqlite_place, story)


# One-time codes


async def turn_on(desk: AccountsDesk, browser: Browser) -> tuple[str, list[str]]:
    """The secret, and the recovery codes."""
    await browser.post("/settings/account/two-factor/start")
    page = await browser.get("/settings/account")
    assert "<svg" in page.text
    secret = _SECRET.search(page.text)
    assert secret is not None
    done = await browser.post("/settings/account/two-factor/confirm", code=code_of(desk, secret[1]))
    assert done.status_code == 200
    return secret[1], _CODE.findall(shown(done))


def test_one_time_codes_are_set_up_with_a_picture_and_recovery_codes_shown_once(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        _, codes = await turn_on(desk, browser)
        assert len(set(codes)) == 10
        page = await browser.get("/settings/account")
        assert "10 recovery codes left" in shown(page)
        assert _CODE.findall(shown(page)) == []
        assert _SECRET.findall(page.text) == []
        assert ("users[olga@acme.example].two_factor", None, "on") in await desk.audited()

    run(sqlite_place, story)


def test_a_wrong_code_turns_nothing_on(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        await browser.post("/settings/account/two-factor/start")
        answer = await browser.post("/settings/account/two-factor/confirm", code="000000")
        assert (answer.status_code, "The code is wrong" in shown(answer)) == (422, True)
        assert (await sign_in(desk))[1] == "/start"

    run(sqlite_place, story)


def test_a_recovery_code_signs_in_once(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        _, codes = await turn_on(desk, await desk.signed_in())
        for status in (303, 422):
            browser, where = await sign_in(desk)
            await browser.get(where)
            answer = await browser.post("/sign-in/code", code=codes[0].upper())
            assert answer.status_code == status

    run(sqlite_place, story)


def test_turning_codes_off_and_renewing_recovery_codes_take_a_code(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        secret, codes = await turn_on(desk, browser)
        for what in ("off", "codes"):
            assert (await browser.post(f"/settings/account/two-factor/{what}", code="000000")).status_code == 422
        desk.place.clock.advance(60)
        renewed = await browser.post("/settings/account/two-factor/codes", code=code_of(desk, secret))
        assert not set(codes) & set(_CODE.findall(shown(renewed)))
        assert (await browser.post("/settings/account/two-factor/off", code=codes[1])).status_code == 422
        off = await browser.post("/settings/account/two-factor/off", code=_CODE.findall(shown(renewed))[0])
        assert off.status_code == 303
        assert (await sign_in(desk))[1] == "/start"

    run(sqlite_place, story)


def test_who_came_by_a_link_turns_codes_off_without_one_for_half_an_hour(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        browser = await desk.signed_in()
        await turn_on(desk, browser)
        assert "You came by a link" not in shown(await browser.get("/settings/account"))
        olga = await desk.store.accounts.user_of_email("olga@acme.example")
        assert olga is not None
        by_link = await desk.browser()
        for lateness, status in ((30 * 60, 422), (30 * 60 - 1, 303)):
            await desk.store.accounts.make_link(hash_token("t"), user_id=olga.user_id, lifetime=LINK_GOOD_FOR)
            await by_link.get("/claim/t")
            await by_link.post("/claim/t")
            assert "You came by a link" in shown(await by_link.get("/settings/account"))
            desk.place.clock.advance(lateness)
            assert (await by_link.post("/settings/account/two-factor/off", code="")).status_code == status
        assert (await sign_in(desk))[1] == "/start"
        assert ("users[olga@acme.example].two_factor", None, "off") in await desk.audited()

    run(sqlite_place, story)


# API keys


async def make_key(owner: Browser, *scopes: str) -> str:
    answer = await owner.post("/settings/keys", name="CRM", scope=list(scopes), days="30")
    found = _KEY.search(answer.text)
    assert found is not None, shown(answer)
    return found[1]


async def status_of(desk: AccountsDesk, key: str, path: str = "/settings/account") -> int:
    program = await desk.browser()
    answer = await program.send("GET", path, headers={"authorization": f"Bearer {key}"})
    return answer.status_code


def test_a_key_is_shown_once_and_works_within_its_scopes(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        key = await make_key(owner, "read")
        page = await owner.get("/settings/keys")
        assert key not in page.text
        assert f"…{key[-4:]}" in page.text
        assert await status_of(desk, key, "/audit") == 200
        assert await status_of(desk, await make_key(owner, "write"), "/audit") == 403
        assert await status_of(desk, key, "/settings/users") == 403
        assert await status_of(desk, key[:-1] + "x", "/audit") == 401
        until = f"{desk.place.clock.now() + timedelta(days=30):%Y-%m-%d %H:%M} UTC"
        assert (f"api_keys[CRM …{key[-4:]}]", None, f"read, until {until}") in await desk.audited()

    run(sqlite_place, story)


def test_a_key_needs_no_token_of_a_form_and_a_browser_s_cookie_does_not_help_it(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        key = await make_key(owner, "read")
        path = "/settings/account/sessions/end-others"
        program = await desk.browser()
        headers = {"authorization": f"Bearer {key}"}
        assert (await program.send("POST", path, headers=headers, data={})).status_code == 303
        headers["authorization"] = "Bearer rbk_nothing"
        assert (await owner.send("POST", path, headers=headers, data={})).status_code in {401, 403}

    run(sqlite_place, story)


def test_a_rotated_key_goes_on_for_the_overlap_and_an_ended_one_does_not(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        old = await make_key(owner, "read")
        found = re.search(r"/settings/keys/(k_\w+)/rotate", (await owner.get("/settings/keys")).text)
        assert found is not None
        answer = await owner.post(found[0], hours="1")
        new = _KEY.search(answer.text)
        assert new is not None
        assert [await status_of(desk, key, "/audit") for key in (old, new[1])] == [200, 200]
        desk.place.clock.advance(3600)
        assert [await status_of(desk, key, "/audit") for key in (old, new[1])] == [401, 200]
        page = await owner.get("/settings/keys")
        assert {"ended", "in use"} <= set(re.findall(r"(ended|in use|replaced)", shown(page)))
        [path] = [one for one in re.findall(r"/settings/keys/k_\w+/end", page.text) if found[1] not in one]
        assert (await owner.post(path)).status_code == 303
        assert await status_of(desk, new[1], "/audit") == 401

    run(sqlite_place, story)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "Give the key a name"),
        ({"scope": []}, "Choose what the key may do."),
        ({"scope": ["everything"]}, "Choose what the key may do."),
        ({"days": "9999"}, "Choose when the key expires."),
    ],
)
def test_a_wrong_key_is_told_and_not_made(sqlite_place: StorePlace, fields: dict[str, object], said: str) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        answer = await owner.post("/settings/keys", **{"name": "CRM", "scope": ["read"], "days": "30", **fields})
        assert (answer.status_code, said in shown(answer)) == (422, True)
        assert await desk.store.accounts.keys(ACME) == ()

    run(sqlite_place, story)


# The audit log


def entry(number: int, author: Author) -> AuditEntry:
    return AuditEntry(company_id=ACME, author=author, path=f"buyers[b{number}].paused", before="no", after="yes")


def test_the_audit_log_is_read_page_by_page_and_by_filters(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        ann = await desk.signed_in("ann", ANALYST)
        author = Author(name="Ann", user_id="u-ann", via="session")
        await desk.store.audit.record([entry(number, author) for number in range(60)])
        first = await ann.get("/audit?size=25&user=u-ann&path=buyers")
        assert shown(first).count(".paused") == 25
        found = re.search(r'href="(/audit[^"]*cursor=\d+[^"]*)"', first.text)
        assert found is not None
        second = await ann.get(found[1].replace("&amp;", "&"))
        assert "buyers[b34].paused" in second.text
        assert "buyers[b35].paused" not in second.text
        nothing = await ann.get("/audit?path=nowhere")
        assert "Nothing fits" in shown(nothing)

    run(sqlite_place, story)


def test_hostile_text_in_the_log_stays_text(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        hostile = AuditEntry(
            company_id=ACME, author=Author(name="<script>x</script>"), path="<img src=x>", after='"><svg onload=x>'
        )
        foreign = AuditEntry(company_id=CompanyId("other"), author=Author(name="Eve"), path="theirs")
        await desk.store.audit.record([hostile, foreign])
        page = (await owner.get("/audit")).text
        assert "<script>x" not in page
        assert "<img src=x" not in page
        assert "onload=x>" not in page.replace("onload=x&gt;", "")
        assert "theirs" not in page

    run(sqlite_place, story)
