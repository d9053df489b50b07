"""Every screen, for the tests that each must pass. Whoever makes a screen adds it here.

A path may use the names of `Desk.things` (tests/support/desk_server.py): `/call_reservations/{reserved}`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Screen:
    """`session` is the cookie of who looks (None: nobody has signed in); `status` is what the page answers."""

    name: str
    path: str
    session: str | None = "owner"
    status: int = 200


SCREENS = (
    Screen("overview", "/"),
    Screen("reports", "/reports"),
    Screen("reports-by-reason", "/reports?group=reason&period=7d&heat=converted"),
    Screen("reports-of-nothing", "/reports?from=2001-01-01&to=2001-01-02"),
    Screen("reports-refused", "/reports?group=moon", status=422),
    Screen("reservation", "/call_reservations/{reserved}"),
    Screen("reservation-duplicate", "/call_reservations/{duplicate}"),
    Screen("reservation-unpaid", "/call_reservations/{unpaid}"),
    Screen("reservation-rejected", "/call_reservations/{rejected}"),
    Screen("reservation-no-target", "/call_reservations/{no_target}"),
    Screen("reservation-flushed", "/call_reservations/01890000-0000-7000-8000-000000000000", status=404),
    Screen("tester", "/tester"),
    Screen("tester-preset", "/tester?preset=duplicate"),
    Screen("pings", "/pings"),
    Screen("pings-filtered", "/pings?status=reserved&campaign_id=medicare&size=25"),
    Screen("pings-none", "/pings?search=%2B12125550999"),
    Screen("pings-refused", "/pings?colour=red", status=422),
    Screen("live", "/live?paused=1"),
    Screen("calls", "/calls"),
    Screen("calls-none", "/calls?converted=false"),
    Screen("call", "/calls/{call}"),
    Screen("call-newest-first", "/calls/{call}?order=newest"),
    Screen("ledger", "/ledger"),
    Screen("ledger-refused", "/ledger?account=nobody", status=422),
    Screen("deliveries", "/deliveries"),
    Screen("delivery", "/deliveries/{message}"),
    Screen("publisher-overview", "/portal/publisher", session="publisher"),
    Screen("publisher-pings", "/portal/publisher/pings", session="publisher"),
    Screen("publisher-ping", "/portal/publisher/pings/{reserved}", session="publisher"),
    Screen("publisher-calls", "/portal/publisher/calls", session="publisher"),
    Screen("publisher-payouts", "/portal/publisher/payouts", session="publisher"),
    Screen("publisher-posting", "/portal/publisher/posting/auto-insurance", session="publisher"),
    Screen("buyer-overview", "/portal/buyer", session="buyer"),
    Screen("buyer-calls", "/portal/buyer/calls", session="buyer"),
    Screen("buyer-terms", "/portal/buyer/terms", session="buyer"),
    Screen("buyer-call", "/portal/buyer/calls/{call}", session="delta"),
    Screen("disputes", "/disputes"),
    Screen("dispute", "/disputes/{call}"),
    Screen("event-webhooks", "/settings/webhooks"),
    Screen("event-webhook-new", "/settings/webhooks/edit"),
    Screen("campaigns", "/campaigns"),
    Screen("campaign", "/campaigns/auto-insurance"),
    Screen("campaign-wizard", "/campaigns/new"),
    Screen("campaign-routing", "/campaigns/auto-insurance/routing"),
    Screen("campaign-routed", "/campaigns/auto-insurance/routing/edit"),
    Screen("campaign-rules", "/campaigns/auto-insurance/conversions"),
    Screen("campaign-rule", "/campaigns/auto-insurance/conversions/edit"),
    Screen("campaign-numbers", "/campaigns/auto-insurance/numbers"),
    Screen("campaign-number", "/campaigns/auto-insurance/numbers/edit"),
    Screen("campaign-access", "/campaigns/auto-insurance/access"),
    Screen("campaign-access-new", "/campaigns/auto-insurance/access/edit"),
    Screen("campaign-keys", "/campaigns/auto-insurance/keys"),
    Screen("campaign-key", "/campaigns/auto-insurance/keys/edit?name=Default"),
    Screen("campaign-webhooks", "/campaigns/auto-insurance/webhooks"),
    Screen("campaign-webhook", "/campaigns/auto-insurance/webhooks/edit"),
    Screen("campaign-posting", "/campaigns/auto-insurance/posting"),
    Screen("posting-page", "/p/{posting}", session=None),
    Screen("posting-page-gone", "/p/no-such-link", session=None, status=404),
    Screen("buyers", "/buyers"),
    Screen("buyer", "/buyers/alpha"),
    Screen("buyer-new", "/buyers/new"),
    Screen("buyer-group", "/buyer-groups/edit"),
    Screen("publishers", "/publishers"),
    Screen("publisher", "/publishers/4321ABCD"),
    Screen("publisher-new", "/publishers/new"),
    Screen("numbers", "/numbers"),
    Screen("tags", "/settings/tags"),
    Screen("tag", "/settings/tags/edit?name=age"),
    Screen("terms", "/settings/catalog"),
    Screen("history", "/settings/history"),
    Screen("history-version", "/settings/history/changes"),
    Screen("server-settings", "/settings/server"),
    Screen("catalog-yaml", "/catalog/yaml"),
    Screen("sign-in", "/sign-in", session=None),
    Screen("sign-in-code", "/sign-in/code", session=None),
    Screen("claim-over", "/claim/nothing", session=None, status=410),
    Screen("settings-users", "/settings/users"),
    Screen("settings-keys", "/settings/keys"),
    Screen("settings-companies", "/settings/companies"),
    Screen("audit", "/audit"),
)

# What answers GET and is no screen of its own, or is looked at elsewhere because it takes people who sign in.
OTHER_PATHS = {
    "/portal": "leads on",
    "/settings": "leads on",
    "/start": "leads on",
    "/jump": "leads on",
    "/live/feed": "events of /live",
    "/key-picture": "a part of a key's page",
    "/p/{posting_token:str}/first": "a part of the posting page",
    "/p/{posting_token:str}/instructions.md": "a file",
    "/invitation/{token:str}": "test_accounts.py",
    "/settings/account": "test_accounts.py",
    "/settings/users/{user_id:str}": "test_accounts.py",
}
