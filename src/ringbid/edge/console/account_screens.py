"""All screens about people: signing in, claiming, invitations, settings, the audit log."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from ringbid.edge.console import (
    audit,
    claim,
    invitation,
    settings_account,
    settings_companies,
    settings_frame,
    settings_keys,
    settings_users,
    sign_in,
)

HANDLERS: list[ControllerRouterHandler] = [
    *sign_in.HANDLERS,
    *claim.HANDLERS,
    *invitation.HANDLERS,
    *settings_frame.HANDLERS,
    *settings_account.HANDLERS,
    *settings_users.HANDLERS,
    *settings_keys.HANDLERS,
    *settings_companies.HANDLERS,
    *audit.HANDLERS,
]
