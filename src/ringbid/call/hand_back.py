"""Handing back a live call: the buyer does not want it, and the next one gets it.

The attempt is marked first, so that the record which the network then tells leads to the next buyer (`transitions`);
then the network is asked to take the caller back. Called by `edge.api.calls`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from msgspec.structs import replace

from ringbid.call import react
from ringbid.call.access import CallName, caller_of, is_for
from ringbid.call.ports import Calls, Lookups, Networks, Reaction, StoredCall, TakeBack
from ringbid.call.react import check_at_ms
from ringbid.call.state import Attempt, AttemptState
from ringbid.catalog.snapshot import AccessView
from ringbid.values.clock import to_ms
from ringbid.values.ids import BuyerId, CallId, PingId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

HAND_BACK_SECONDS = 90

_WHY: Mapping[TakeBack, Refused] = MappingProxyType(
    {
        TakeBack.NOT_SUPPORTED: Refused(Reason.HAND_BACK_UNSUPPORTED),
        TakeBack.NOT_LIVE: Refused(Reason.CALL_NOT_LIVE),
        TakeBack.UNREACHABLE: Refused(Reason.NETWORK_UNREACHABLE, retry_after_seconds=1),
    }
)

Buyers = frozenset[BuyerId] | None  # None: any


async def hand_back(
    calls: Calls, networks: Networks, view: AccessView, name: CallName, *, group_id: str | None = None
) -> CallId | Refused:
    """Take the call back from the buyer that has it, where the key (and the group of buyers) speaks for that buyer."""
    buyers = _buyers_of(view, group_id)
    call = await _find(calls, view, name, buyers)
    if call is None:
        return Refused(Reason.CALL_UNKNOWN)
    marked = await calls.change(call.call_id, partial(_mark, buyers=buyers))
    if isinstance(marked, Refused):
        return marked
    attempt = _connected(marked, buyers)
    if attempt is None:
        return marked.call_id  # its record has come already
    unmark = partial(calls.change, call.call_id, partial(_unmark, attempt_id=attempt.attempt_id))
    try:
        done = await networks.hand_back(marked.provider, marked.provider_call_id, attempt.attempt_id)
    except BaseException:  # also where we are stopped: a mark that nobody acts on would cost the buyer its conversion
        await asyncio.shield(unmark())
        raise
    if done is TakeBack.DONE:
        return marked.call_id
    await unmark()
    return _WHY[done]


def _buyers_of(view: AccessView, group_id: str | None) -> Buyers:
    own = frozenset({view.key.buyer}) if view.key.buyer is not None else None
    if group_id is None:
        return own
    members = {
        buyer_id for group in view.company.catalog.buyer_groups if group.id == group_id for buyer_id in group.buyers
    }
    return frozenset(members) if own is None else own & members


async def _find(calls: Calls, view: AccessView, name: CallName, buyers: Buyers) -> StoredCall | None:
    """The call that is named; of a caller's calls, the one that such a buyer has on the line, else the newest."""
    if name.caller_number is None:
        assert name.call_uuid is not None, "a call is named by one of the two"
        call = await calls.find_by_uuid(name.call_uuid)
        return call if call is not None and is_for(view, call) else None
    found = await calls.find_of_caller(caller_of(view, name.caller_number))
    fitting = [one for one in found if is_for(view, one)]
    live = [one for one in fitting if _connected(one, buyers) is not None]
    return next(iter((*live, *fitting)), None)


def _connected(call: StoredCall, buyers: Buyers) -> Attempt | None:
    """The attempt of such a buyer that is on the line."""
    for one in call.state.attempts:
        if one.state is AttemptState.CONNECTED and (buyers is None or one.buyer_id in buyers):
            return one
    return None


def _mark(call: StoredCall, lookups: Lookups, *, buyers: Buyers) -> Reaction | Refused:
    attempt = _connected(call, buyers)
    if attempt is None:
        given = any(one.handed_back and (buyers is None or one.buyer_id in buyers) for one in call.state.attempts)
        return react.unchanged(call, lookups, "handed_back_before") if given else Refused(Reason.CALL_NOT_LIVE)
    if attempt.handed_back:
        return react.unchanged(call, lookups, "handed_back_again")
    since_ms = to_ms(lookups.now) - (attempt.answered_ms or 0)
    if since_ms > HAND_BACK_SECONDS * 1000:
        actual = f"{since_ms // 1000} s after the answer"
        return Refused(Reason.HAND_BACK_LATE, actual=actual, expected=f"within {HAND_BACK_SECONDS} s")
    return _with(call, lookups, replace(attempt, handed_back=True), "handed_back")


def _unmark(call: StoredCall, lookups: Lookups, *, attempt_id: PingId) -> Reaction:
    """The network has not done it: the call goes on as it was."""
    attempt = call.state.find(attempt_id)
    if attempt is None or attempt.state is not AttemptState.CONNECTED:
        return react.unchanged(call, lookups, "hand_back_done_after_all")
    return _with(call, lookups, replace(attempt, handed_back=False), "hand_back_failed")


def _with(call: StoredCall, lookups: Lookups, attempt: Attempt, row: str) -> Reaction:
    attempts = tuple(attempt if one.attempt_id == attempt.attempt_id else one for one in call.state.attempts)
    call = react.with_state(call, replace(call.state, attempts=attempts))
    return Reaction(state=call.state, row=row, check_at_ms=check_at_ms(call, to_ms(lookups.now)))
