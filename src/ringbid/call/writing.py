"""Data writing: tags that others add to a call, or to a caller whose call is still to come.

To a call that is known they are written at once: into its trace, from which it is routed again and its webhooks are
filled. For a caller without one they are kept, and `call.flow` reads them when the call arrives. Called by
`edge.api.calls`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from msgspec.structs import replace

from ringbid.call.access import CallName, caller_of, is_for, late, over_at_ms
from ringbid.call.ports import Calls, Lookups, Reaction, StoredCall
from ringbid.call.react import check_at_ms
from ringbid.catalog.snapshot import AccessView
from ringbid.catalog.tokens import IDENTITY_TOKENS
from ringbid.routing.plan import answered_terms
from ringbid.routing.tags import SPECIAL, UNPREFIXED, Tags, TagValue, tags_of_ping
from ringbid.routing.tracing import tags_from, traced_tags
from ringbid.values.clock import to_ms
from ringbid.values.ids import CampaignId, PingId, PublisherId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

MOST_WRITTEN = 200  # tags of one call
LONGEST_VALUE = 1024
SOURCE = "written"

_RESERVED = frozenset(IDENTITY_TOKENS) | SPECIAL

Status = Literal["call not found, tags stored", "call in progress, tags stored", "completed call found, tags applied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Which tags were written, and where to."""

    tags: Mapping[str, str]
    name: CallName
    status: Status


async def write_tags(
    calls: Calls, view: AccessView, name: CallName, given: Mapping[str, TagValue]
) -> Written | Refused:
    """Write `given` to the call that is named. By its caller: to the call on the line, else to one that has ended and
    still counts for the key, else for the next to come (not with a key of one buyer: that has no call yet)."""
    unwritten = _RESERVED | answered_terms(view.company, view.campaign)
    tags = _read_tags(given, view.key.tag_prefix, unwritten)
    if isinstance(tags, Refused):
        return tags
    if name.caller_number is None:
        assert name.call_uuid is not None, "a call is named by one of the two"
        call = await calls.find_by_uuid(name.call_uuid)
        if call is None or not is_for(view, call):
            return Refused(Reason.CALL_UNKNOWN)
        return await _write_to(calls, call, view, name, tags)
    caller = caller_of(view, name.caller_number)
    found = [one for one in await calls.find_of_caller(caller) if is_for(view, one)]
    call = next((one for one in found if over_at_ms(one) is None), found[0] if found else None)
    if call is not None:
        written = await _write_to(calls, call, view, name, tags)
        if not isinstance(written, Refused) or written.reason is not Reason.ACCESS_LATE:
            return written
    if view.key.buyer is not None:
        return Refused(Reason.CALL_UNKNOWN)
    kept = await calls.keep_tags(caller, tags, written_by=view.key.name, keep_seconds=view.key.keep_seconds)
    return Written(tags=tags, name=name, status="call not found, tags stored") if kept else _too_many()


def with_written(tags: Tags, written: Mapping[str, str]) -> Tags:
    """`tags` and what was written, which wins; a written zip, state or `geo` tells the rest of the place too."""
    if not written:
        return tags
    read = tags_of_ping(
        parameters=dict(written),
        caller_number=None,
        publisher_id=PublisherId(""),
        campaign_id=CampaignId(""),
        tag_prefix="",
        call_uuid=PingId(""),
    )
    values = {name: value for name, value in read.values.items() if name not in _RESERVED}
    return Tags({**tags.values, **values}, {**tags.sources, **dict.fromkeys(values, SOURCE)})


def _read_tags(given: Mapping[str, TagValue], prefix: str, unwritten: frozenset[str]) -> dict[str, str] | Refused:
    """The tags by the names that they are kept under. What is empty is missing; several values are one text."""
    tags = {}
    for name, value in given.items():
        text = value if isinstance(value, str) else ",".join(value)
        full_name = name if name in UNPREFIXED else prefix + name
        if full_name in unwritten:
            return Refused(Reason.TAG_RESERVED, actual=full_name, expected="another name")
        if len(text) > LONGEST_VALUE:
            actual = f"{len(text)} characters in {name}"
            return Refused(Reason.TAG_VALUE_INVALID, actual=actual, expected=f"at most {LONGEST_VALUE}")
        if text:
            tags[full_name] = text
    return tags


async def _write_to(
    calls: Calls, call: StoredCall, view: AccessView, name: CallName, tags: Mapping[str, str]
) -> Written | Refused:
    changed = await calls.change(call.call_id, partial(_add_tags, view=view, tags=tags))
    if isinstance(changed, Refused):
        return changed
    over = over_at_ms(changed) is not None
    status: Status = "completed call found, tags applied" if over else "call in progress, tags stored"
    return Written(tags=tags, name=name, status=status)


def _add_tags(call: StoredCall, lookups: Lookups, *, view: AccessView, tags: Mapping[str, str]) -> Reaction | Refused:
    now_ms = to_ms(lookups.now)
    refused = late(view, call, now_ms)
    if refused is not None:
        return refused
    after = with_written(tags_from(call.trace.tags), tags)
    if sum(source == SOURCE for source in after.sources.values()) > MOST_WRITTEN:
        return _too_many()
    return Reaction(
        state=call.state,
        row="tags_written",
        trace=replace(call.trace, tags=traced_tags(after)),
        check_at_ms=check_at_ms(call, now_ms),
    )


def _too_many() -> Refused:
    return Refused(Reason.TOO_MANY_TAGS, actual="more, with those of before", expected=f"at most {MOST_WRITTEN}")
