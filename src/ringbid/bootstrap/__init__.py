"""The composition root: the one place that knows which concrete parts make a server, or serve a command.

Called by `cli`. Nothing else imports it.
"""

from ringbid.bootstrap.accounts import MadeLink, make_link, make_owner
from ringbid.bootstrap.orders import ApplyResult, apply_catalog, apply_to, correct_ledger, mend_ledger
from ringbid.bootstrap.reading import (
    find_call_story,
    find_ping,
    read_documents,
    read_facts,
    read_ledger,
    read_outbox_counts,
)
from ringbid.bootstrap.server import build_application, build_call_tools, prepare_engine, serve

__all__ = [
    "ApplyResult",
    "MadeLink",
    "apply_catalog",
    "apply_to",
    "build_application",
    "build_call_tools",
    "correct_ledger",
    "find_call_story",
    "find_ping",
    "make_link",
    "make_owner",
    "mend_ledger",
    "prepare_engine",
    "read_documents",
    "read_facts",
    "read_ledger",
    "read_outbox_counts",
    "serve",
]
