"""The fields with which somebody makes an account (claiming an installation, accepting an invitation), or a company."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ringbid.accounts.passwords import Passwords, find_weakness
from ringbid.accounts.people import MOST_LETTERS, NewUser, User, read_email
from ringbid.accounts.tokens import new_id
from ringbid.catalog.problems import Problem
from ringbid.values.ids import RandomBytes

_FIELDS = {"name": "company", "id": "company"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Whom a form describes. `errors` maps fields to what is wrong with them."""

    user: User
    password: str
    errors: Mapping[str, str]

    async def make(self, passwords: Passwords) -> NewUser:
        """The user to be stored. Raises passwords.TooManyWaiting."""
        password_hash = await passwords.hash(self.password)
        user = self.user
        return NewUser(user_id=user.user_id, email=user.email, name=user.name, password_hash=password_hash)


def read_newcomer(form: Mapping[str, str], random_bytes: RandomBytes) -> Newcomer:
    """From the fields `name`, `email` and `password`."""
    name, password = form.get("name", "").strip(), form.get("password", "")
    email = read_email(form.get("email", ""))
    errors: dict[str, str] = {}
    if not name or len(name) > MOST_LETTERS:
        errors["name"] = "Write your name, as others are to see it."
    if email is None:
        errors["email"] = "Write your e-mail address, such as olga@acme.example. It is what you sign in with."
    weakness = find_weakness(password, about=[name, form.get("email", "")])
    if weakness is not None:
        errors["password"] = weakness
    user = User(user_id=new_id("u", random_bytes), email=email or "", name=name)
    return Newcomer(user=user, password=password, errors=errors)


def told(problems: Iterable[Problem]) -> dict[str, str]:
    """What is wrong with a company's fields, by the name of each."""
    return {
        _FIELDS.get(
            one.path.rpartition(".")[2], one.path.rpartition(".")[2]
        ): f"This is {one.found}; allowed: {one.allowed}."
        for one in problems
    }
