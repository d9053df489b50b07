"""The one policy table: who may use a route. Every route of console and API names one of these.

`edge.web.guard` asks `allows`; a test walks every route with every role.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

from ringbid.accounts.actor import Actor, Role
from ringbid.accounts.keys import Scope

Answer = Literal["yes", "sign in", "forbidden"]

_STAFF = frozenset({Role.OWNER, Role.MANAGER, Role.ANALYST})
_EVERYONE = frozenset(Role)


class Policy(Enum):
    """Whom a route is for."""

    PUBLIC = "anyone, without signing in"
    SIGNED_IN = "anyone who has signed in, or has an API key"
    READ = "owners, managers and analysts: sees everything of the company"
    MANAGE = "owners and managers: changes what the company sells and buys"
    OWN = "owners: people, keys and the company itself"
    PINGS = "owners, managers and analysts, and publishers' users what is their own; a buyer has no pings"
    PUBLISHER_PORTAL = "publishers' users: what is their own"
    BUYER_PORTAL = "buyers' users: what is their own"


_ROLES = {
    Policy.SIGNED_IN: _EVERYONE,
    Policy.READ: _STAFF,
    Policy.MANAGE: frozenset({Role.OWNER, Role.MANAGER}),
    Policy.OWN: frozenset({Role.OWNER}),
    Policy.PINGS: _STAFF | {Role.PUBLISHER},
    Policy.PUBLISHER_PORTAL: frozenset({Role.PUBLISHER}),
    Policy.BUYER_PORTAL: frozenset({Role.BUYER}),
}


# What an API key must be allowed. A route may ask for another: opt={"scope": Scope.PINGS}.
_SCOPES = {Policy.READ: Scope.READ, Policy.MANAGE: Scope.WRITE}


def allows(policy: Policy, actor: Actor | None, *, scope: Scope | None = None) -> Answer:
    """May `actor` (None: nobody has signed in) use a route of this policy? An API key may where it has `scope`, or the
    one that the policy asks for; people, keys and the company are not for programs."""
    if policy is Policy.PUBLIC:
        return "yes"
    if actor is None:
        return "sign in"
    if actor.role not in _ROLES[policy]:
        return "forbidden"
    needed = scope or _SCOPES.get(policy)
    if actor.via == "key" and needed is not None and needed.value not in actor.scopes:
        return "forbidden"
    return "yes"
