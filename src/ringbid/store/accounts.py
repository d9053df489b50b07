"""All of accounts in the store: people, second factors, links, sessions and keys, each in a module of its own."""

from __future__ import annotations

from typing import Any

from ringbid.store.accounts_keys import StoredKeys
from ringbid.store.accounts_links import StoredLinks
from ringbid.store.accounts_people import StoredPeople
from ringbid.store.accounts_second_factors import StoredSecondFactors
from ringbid.store.accounts_sessions import StoredSessions
from ringbid.store.catalogs import Changes
from ringbid.store.threads import Reading, SessionThread


class StoredAccounts(StoredPeople, StoredSecondFactors, StoredLinks, StoredSessions, StoredKeys):
    """Keeps the promises of `accounts.ports.Accounts`. Raises StoreOverloaded and StoreUnavailable."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading, changes: Changes) -> None:
        self._writer = writer
        self._reading = reading
        self._changes = changes
