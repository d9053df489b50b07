"""What forms say of people, read; and companies, made of a name."""

from __future__ import annotations

import os

import pytest

from ringbid.accounts.actor import Role
from ringbid.accounts.companies import NewCompany, read_company
from ringbid.accounts.people import Grant, read_email, read_grant
from ringbid.accounts.throttle import MOST_OF_ACCOUNT, MOST_OF_ADDRESS, WINDOW_SECONDS, Throttle
from ringbid.accounts.tokens import form_token, is_form_token, new_token
from ringbid.catalog.validate import read_stored
from ringbid.values.ids import BuyerId, PublisherId
from support.clocks import JumpingClock


@pytest.mark.parametrize(("text", "email"), [(" Olga@Acme.example ", "olga@acme.example"), ("o@x.y", "o@x.y")])
def test_an_address_is_read_in_lower_case(text: str, email: str) -> None:
    assert read_email(text) == email


@pytest.mark.parametrize("text", ["", "olga", "olga@acme", "a b@c.de", "@acme.example", "a@b.c\n" + "x" * 300])
def test_what_is_no_address_is_none(text: str) -> None:
    assert read_email(text) is None


def test_a_role_brings_what_belongs_to_it_and_nothing_else() -> None:
    fields = {"publisher_id": "P1", "buyer_id": "alpha", "tags": "zip, age state"}
    assert read_grant({**fields, "role": "owner"}) == Grant(role=Role.OWNER)
    assert read_grant({**fields, "role": "buyer"}) == Grant(role=Role.BUYER, buyer_id=BuyerId("alpha"))
    publisher = Grant(role=Role.PUBLISHER, publisher_id=PublisherId("P1"), tags=frozenset({"zip", "age", "state"}))
    assert read_grant({**fields, "role": "publisher"}) == publisher


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose a role"),
        ({"role": "king"}, "Choose a role"),
        ({"role": "publisher"}, "a publisher"),
        ({"role": "buyer"}, "a buyer"),
        ({"role": "publisher", "publisher_id": "P1", "tags": "zip <b>"}, "“<b>” is no name of a tag"),
    ],
)
def test_a_wrong_role_is_told_in_a_sentence(fields: dict[str, str], said: str) -> None:
    grant = read_grant(fields)
    assert isinstance(grant, str)
    assert said in grant


def test_a_company_begins_with_an_empty_catalog_of_its_name() -> None:
    made = read_company(name=" Acme & Söhne: Leads ", time_zone="Europe/Berlin", currency="EUR")
    assert isinstance(made, NewCompany)
    company = read_stored(made.document).company
    assert (company.id, company.name, company.time_zone) == ("acme-s-hne-leads", "Acme & Söhne: Leads", "Europe/Berlin")
    assert company.rtb_enabled


def test_a_company_s_wrong_words_are_told() -> None:
    problems = read_company(name="Acme", time_zone="Mars/Base", currency="Taler")
    assert not isinstance(problems, NewCompany)
    assert {problem.path for problem in problems} == {"company.time_zone", "company.currency"}


def test_an_account_may_be_tried_so_often_and_again_later() -> None:
    clock = JumpingClock()
    throttle = Throttle(clock)
    for _ in range(MOST_OF_ACCOUNT):
        assert throttle.wait_seconds(account="a", address="1") == 0
        throttle.count(account="a", address="1")
    assert throttle.wait_seconds(account="a", address="2") > WINDOW_SECONDS - 2
    assert throttle.wait_seconds(account="b", address="1") == 0
    clock.advance(WINDOW_SECONDS)
    assert throttle.wait_seconds(account="a", address="1") == 0


def test_an_address_may_try_so_many_accounts() -> None:
    throttle = Throttle(JumpingClock())
    for number in range(MOST_OF_ADDRESS):
        throttle.count(account=f"a{number}", address="1")
    assert throttle.wait_seconds(account="new", address="1") > 0
    assert throttle.wait_seconds(account="new", address="2") == 0


def test_who_signs_in_begins_anew() -> None:
    throttle = Throttle(JumpingClock())
    for _ in range(MOST_OF_ACCOUNT):
        throttle.count(account="a", address="1")
    throttle.forgive(account="a", address="1")
    assert throttle.wait_seconds(account="a", address="1") == 0


def test_a_form_belongs_to_one_cookie() -> None:
    first, second = (new_token(os.urandom).text for _ in range(2))
    assert is_form_token(form_token(first), first)
    assert not is_form_token(form_token(first), second)
    assert not is_form_token("ü", first)
    assert first not in form_token(first)
