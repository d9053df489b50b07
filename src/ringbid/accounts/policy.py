"""The one policy table: who may use a route. Every route of console and API names one of these.

`edge.web.guard` asks `allows`; a test walks every route with every role.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

from ringbid.accounts.actor import Actor, Role

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
    PUBLISHER_PORTAL = "publishers' users: what is their own"
    BUYER_PORTAL = "buyers' users: what is their own"


_ROLES = {
    Policy.SIGNED_IN: _EVERYONE,
    Policy.READ: _STAFF,
    Policy.MANAGE: frozenset({Role.OWNER, Role.MANAGER}),
    Policy.OWN: frozenset({Role.OWNER}),
    Policy.PUBLISHER_PORTAL: frozenset({Role.PUBLISHER}),
    Policy.BUYER_PORTAL: frozenset({Role.BUYER}),
}


def allows(policy: Policy, actor: Actor | None) -> Answer:
    """May `actor` (None: nobody has signed in) use a route of this policy?"""
    if policy is Policy.PUBLIC:
        return "yes"
    if actor is None:
        return "sign in"
    return "yes" if actor.role in _ROLES[policy] else "forbidden"
