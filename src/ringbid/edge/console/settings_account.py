"""`/settings/account`: one's own password, second factor and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import segno
from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Response, Template
from markupsafe import Markup

from ringbid.accounts import totp
from ringbid.accounts.audit import author_of
from ringbid.accounts.passwords import TooManyWaiting, find_weakness
from ringbid.accounts.people import MOST_LETTERS, User, read_email, read_name
from ringbid.accounts.policy import Policy
from ringbid.accounts.sessions import OpenSession
from ringbid.accounts.tokens import hash_token
from ringbid.edge.console.settings_frame import done, is_person, settings_page
from ringbid.edge.console.sign_in import BUSY
from ringbid.edge.console.tables import Column
from ringbid.edge.web.auth import cookie_name
from ringbid.edge.web.forms import read_form, visit_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of, people_of

Answer = Response[Any]
_COLUMNS = [
    Column("Browser"),
    Column("Address"),
    Column("Signed in"),
    Column("Last seen"),
    Column("End"),
]

_PATH = "/settings/account"
_WRONG_CODE = "The code is wrong, or was used before. Take the newest one of your app."
_TOO_OFTEN = "There were too many tries. Wait a quarter of an hour."


@get(_PATH, opt={"policy": Policy.SIGNED_IN})
async def show_account(request: WebRequest) -> Template:
    """Everything of one's own."""
    return await _show(request, await _user(request))


@post(f"{_PATH}/person", opt={"policy": Policy.SIGNED_IN}, status_code=303)
async def change_person(request: WebRequest) -> Answer:
    """Another name, or another address to sign in with; for who knows the password."""
    form, actor, user = await read_form(request), actor_of(request), await _user(request)
    name, email = read_name(form.get("name", "")), read_email(form.get("email", ""))
    errors = {}
    if name is None:
        errors["name"] = f"Write your name, in at most {MOST_LETTERS} characters."
    if email is None:
        errors["email"] = "Write an e-mail address such as ann@acme.example."
    if not errors and user.password_hash is None:
        errors[""] = "Set a password first, below: only who knows it changes your name or address."
    try:
        if not errors:
            wrong = await _check_password(request, user, form.get("person_current", ""))
            errors |= {f"person_{field}": text for field, text in wrong.items()}
    except TooManyWaiting:
        return await _show(request, user, errors={"": BUSY}, status=503)
    if errors or name is None or email is None:
        return await _show(request, user, errors=errors, sent=form)
    changed = await people_of(request).accounts.change_user(
        user.user_id, name=name, email=email, company_id=actor.company_id, author=author_of(actor)
    )
    if not changed:
        taken = "Another account has this address. Sign in with that one, or write another address."
        return await _show(request, user, errors={"email": taken}, sent=form)
    return done(_PATH, f"You are {name}, and sign in as {email}.")


@post(f"{_PATH}/password", opt={"policy": Policy.SIGNED_IN}, status_code=303)
async def set_password(request: WebRequest) -> Answer:
    """A new password ends all other sessions."""
    form, actor, user, people = await read_form(request), actor_of(request), await _user(request), people_of(request)
    new = form.get("password", "")
    errors = {}
    weakness = find_weakness(new, about=[user.name, user.email])
    if weakness is not None:
        errors["password"] = weakness
    elif new != form.get("again", ""):
        errors["again"] = "The two new passwords differ."
    session = await _session(request)
    try:
        if not errors and not (session is not None and session.may_set_password_freely):
            errors |= await _check_password(request, user, form.get("current", ""))
        if errors:
            return await _show(request, user, errors=errors)
        password_hash = await people.passwords.hash(new)
    except TooManyWaiting:
        return await _show(request, user, errors={"": BUSY}, status=503)
    await people.accounts.set_password(
        user.user_id,
        password_hash,
        keep_session=actor.session_id or "",
        company_id=actor.company_id,
        author=author_of(actor),
    )
    return done(_PATH, "The password is changed. All other sessions have ended.")


@post(f"{_PATH}/two-factor/start", opt={"policy": Policy.SIGNED_IN}, status_code=303)
async def start_two_factor(request: WebRequest) -> Answer:
    """A new secret, which counts once a code confirms it."""
    user, people = await _user(request), people_of(request)
    await people.accounts.start_totp(user.user_id, totp.new_secret(people.random_bytes))
    return done(_PATH, "Scan the code below with your app, then confirm it.")


@post(f"{_PATH}/two-factor/confirm", opt={"policy": Policy.SIGNED_IN}, status_code=200)
async def confirm_two_factor(request: WebRequest) -> Template:
    """It is on, and the recovery codes are shown this once."""
    form, actor, user, people = await read_form(request), actor_of(request), await _user(request), people_of(request)
    step = totp.find_step(user.totp_secret or "", form.get("code", ""), at=office_of(request).clock.now())
    if step is None or user.totp_secret is None:
        return await _show(request, user, errors={"code": _WRONG_CODE})
    codes = totp.new_recovery_codes(people.random_bytes)
    hashes = [totp.hash_recovery_code(code) for code in codes]
    turned_on = await people.accounts.turn_totp_on(
        user.user_id, step=step, code_hashes=hashes, company_id=actor.company_id, author=author_of(actor)
    )
    return await _show(request, await _user(request), codes=codes if turned_on else ())


@post(f"{_PATH}/two-factor/off", opt={"policy": Policy.SIGNED_IN}, status_code=303)
async def turn_two_factor_off(request: WebRequest) -> Answer:
    """Off, for who has a code, or has just come by a link, because the phone is lost."""
    form, actor, user = await read_form(request), actor_of(request), await _user(request)
    session = await _session(request)
    by_link = session is not None and session.just_came_by_link
    wrong = "" if by_link else await _check_code(request, user, form.get("code", ""))
    if wrong:
        return await _show(request, user, errors={"code": wrong})
    await people_of(request).accounts.turn_totp_off(user.user_id, company_id=actor.company_id, author=author_of(actor))
    return done(_PATH, "One-time codes are off.")


@post(f"{_PATH}/two-factor/codes", opt={"policy": Policy.SIGNED_IN}, status_code=200)
async def renew_codes(request: WebRequest) -> Template:
    """New recovery codes in place of the old ones, for who has a code."""
    form, actor, user, people = await read_form(request), actor_of(request), await _user(request), people_of(request)
    wrong = await _check_code(request, user, form.get("code", ""))
    if wrong:
        return await _show(request, user, errors={"code": wrong})
    codes = totp.new_recovery_codes(people.random_bytes)
    hashes = [totp.hash_recovery_code(code) for code in codes]
    await people.accounts.replace_recovery_codes(
        user.user_id, hashes, company_id=actor.company_id, author=author_of(actor)
    )
    return await _show(request, user, codes=codes)


@post(f"{_PATH}/sessions/end-others", opt={"policy": Policy.SIGNED_IN}, status_code=303)
async def end_other_sessions(request: WebRequest) -> Answer:
    """Everywhere but here."""
    actor = actor_of(request)
    count = await people_of(request).accounts.end_sessions(actor.user_id, keep_session=actor.session_id or "")
    return done(_PATH, f"{count} other session{'' if count == 1 else 's'} ended.")


@post(f"{_PATH}/sessions/{{session_id:str}}/end", opt={"policy": Policy.SIGNED_IN}, status_code=303)
async def end_session(request: WebRequest, session_id: FromPath[str]) -> Answer:
    """One session of one's own; whoever uses it must sign in again."""
    if not await people_of(request).accounts.end_session(actor_of(request).user_id, session_id):
        raise NotFoundException("There is no such session. It may have ended by itself.")
    return done(_PATH, "The session has ended.")


async def _user(request: WebRequest) -> User:
    actor = actor_of(request)
    user = await people_of(request).accounts.user(actor.user_id) if is_person(actor) else None
    if user is None:
        raise NotFoundException("An API key has no account. Sign in to see yours.")
    return user


async def _session(request: WebRequest) -> OpenSession | None:
    token = request.cookies.get(cookie_name(office_of(request)), "")
    return await people_of(request).accounts.find_session(hash_token(token))


async def _check_password(request: WebRequest, user: User, password: str) -> dict[str, str]:
    """What is wrong with the password as it is now; tries count like those of signing in."""
    throttle, visit = people_of(request).sign_in.throttle, visit_of(request)
    if throttle.wait_seconds(account=user.email, address=visit.address):
        return {"current": _TOO_OFTEN}
    throttle.count(account=user.email, address=visit.address)
    if not await people_of(request).passwords.matches(password, user.password_hash):
        return {"current": "This is not your password."}
    throttle.forgive(account=user.email, address=visit.address)
    return {}


async def _check_code(request: WebRequest, user: User, code: str) -> str:
    """What is wrong with a one-time or recovery code; empty: it was right, and is used up."""
    throttle, visit = people_of(request).sign_in.throttle, visit_of(request)
    if throttle.wait_seconds(account=user.email, address=visit.address):
        return _TOO_OFTEN
    throttle.count(account=user.email, address=visit.address)
    if not user.totp_on or not await people_of(request).sign_in.takes(user, code):
        return _WRONG_CODE
    throttle.forgive(account=user.email, address=visit.address)
    return ""


async def _show(
    request: WebRequest,
    user: User,
    *,
    errors: Mapping[str, str] | None = None,
    codes: tuple[str, ...] = (),
    sent: Mapping[str, str] | None = None,
    status: int = 422,
) -> Template:
    accounts, session = people_of(request).accounts, await _session(request)
    setting_up = user.totp_secret is not None and not user.totp_on
    return settings_page(
        request,
        "account.html",
        title="Your account",
        status=status if errors else 200,
        user=user,
        person=sent or {"name": user.name, "email": user.email},
        errors=errors or {},
        columns=_COLUMNS,
        codes=codes,
        codes_left=await accounts.recovery_codes_left(user.user_id) if user.totp_on else 0,
        picture=_picture(user) if setting_up else None,
        sessions=await accounts.sessions_of(user.user_id),
        needs_current=not (session is not None and session.may_set_password_freely),
        needs_code=not (session is not None and session.just_came_by_link),
    )


def _picture(user: User) -> Markup:
    """The secret as a QR code: black on white in dark pages too, since apps read no other."""
    assert user.totp_secret is not None
    code = segno.make(totp.enrolment_uri(user.totp_secret, email=user.email), error="m")
    svg = code.svg_inline(scale=5, dark="#000", light="#fff", border=3, omitsize=False, svgclass=None, lineclass=None)
    return Markup(svg)  # noqa: S704 -- segno's own markup, of digits alone


HANDLERS = [
    show_account,
    change_person,
    set_password,
    start_two_factor,
    confirm_two_factor,
    turn_two_factor_off,
    renew_codes,
    end_other_sessions,
    end_session,
]
