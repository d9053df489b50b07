"""Holds every route to its policy: `opt={"policy": Policy.X}`, API keys to a scope too. One without is not served."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute

from ringbid.accounts.actor import Actor
from ringbid.accounts.policy import Policy, allows


def hold_to_policy(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raises NotAuthorizedException where somebody must sign in, PermissionDeniedException where it is not for them."""
    actor = connection.scope.get("user")
    assert actor is None or isinstance(actor, Actor)
    match allows(policy_of(handler), actor, scope=handler.opt.get("scope")):
        case "sign in":
            raise NotAuthorizedException("Sign in first, or send an API key: Authorization: Bearer rbk_…")
        case "forbidden":
            raise PermissionDeniedException(_told(actor))


def _told(actor: Actor | None) -> str:
    if actor is not None and actor.via == "key":
        return "This API key may not do this. An owner of the company can make one with another scope."
    return "Your role does not allow this. An owner of the company can change it."


def policy_of(handler: BaseRouteHandler) -> Policy:
    """The policy that a route names. Raises LookupError where it names none."""
    if isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
        return Policy.PUBLIC  # made by Litestar: it tells which methods there are
    policy = handler.opt.get("policy")
    if isinstance(policy, Policy):
        return policy
    raise LookupError(f"{handler} has no policy: give it opt={{'policy': Policy.…}}")


def check_policies(app: Litestar) -> None:
    """Every route has a policy. Raises LookupError; called once, before anything is served."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                policy_of(handler)


def sign_in_path(path: str, query: str) -> str:
    """Where somebody signs in to come back to this page."""
    return f"/sign-in?next={quote(f'{path}?{query}' if query else path, safe='/')}"
