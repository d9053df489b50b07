"""Who may use a route: by role, and for an API key by its scopes too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringbid.accounts.actor import Actor, Role
from ringbid.accounts.keys import Scope
from ringbid.accounts.policy import Policy, allows
from ringbid.values.ids import CompanyId

PERSON = Actor(user_id="u-1", name="Olga", company_id=CompanyId("acme"), role=Role.OWNER)
KEY = replace(PERSON, via="key", role=Role.MANAGER)


@pytest.mark.parametrize(
    ("policy", "roles"),
    [
        (Policy.PUBLIC, set(Role)),
        (Policy.SIGNED_IN, set(Role)),
        (Policy.READ, {Role.OWNER, Role.MANAGER, Role.ANALYST}),
        (Policy.MANAGE, {Role.OWNER, Role.MANAGER}),
        (Policy.OWN, {Role.OWNER}),
        (Policy.PUBLISHER_PORTAL, {Role.PUBLISHER}),
        (Policy.BUYER_PORTAL, {Role.BUYER}),
    ],
)
def test_each_policy_lets_in_its_roles_alone(policy: Policy, roles: set[Role]) -> None:
    assert {role for role in Role if allows(policy, replace(PERSON, role=role)) == "yes"} == roles
    assert allows(policy, None) == ("yes" if policy is Policy.PUBLIC else "sign in")


@pytest.mark.parametrize(
    ("policy", "scope", "lets_in"),
    [
        (Policy.READ, None, {Scope.READ}),
        (Policy.MANAGE, None, {Scope.WRITE}),
        (Policy.READ, Scope.PINGS, {Scope.PINGS}),
        (Policy.MANAGE, Scope.LEDGER, {Scope.LEDGER}),
        (Policy.OWN, None, set()),
        (Policy.OWN, Scope.READ, set()),
    ],
)
def test_a_key_needs_the_scope_that_policy_or_route_asks_for(
    policy: Policy, scope: Scope | None, lets_in: set[Scope]
) -> None:
    allowed = {
        held for held in Scope if allows(policy, replace(KEY, scopes=frozenset({held.value})), scope=scope) == "yes"
    }
    assert allowed == lets_in


def test_a_person_needs_no_scope() -> None:
    assert allows(Policy.READ, PERSON, scope=Scope.LEDGER) == "yes"
