"""`/data_writing`, `/conversions` and `/call_control/reject`: what outsiders ask about calls, from bytes to bytes.

Plain ASGI like the ping API. `edge.api.app` routes here; the work is done by `call.writing`, `call.postback` and
`call.hand_back`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import cast, get_args

import msgspec

from ringbid.call.access import CallName, find_access, read_name
from ringbid.call.hand_back import hand_back
from ringbid.call.ports import CallTools, Networks
from ringbid.call.postback import Reported, SidesWanted, report_by_buyer, report_by_key
from ringbid.call.writing import write_tags
from ringbid.edge.api.answering import guarded, request_parameters, send_answer, wrong_method
from ringbid.edge.api.http import Receive, Scope, Send
from ringbid.edge.observe import Metrics
from ringbid.ping.reply import PingReply
from ringbid.ping.request import Parameters, single
from ringbid.settings import Limits
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

_OWN_PARAMETERS = frozenset({"key", "call_uuid", "caller_number"})
_EITHER_KEY = "key=…, the key's secret, or call_key=…, which the buyer got with the call"

_Handler = Callable[["CallApi", Parameters, str | None], Awaitable[PingReply | Refused]]


class CallApi:
    """Answers requests about calls. One for each server."""

    def __init__(self, *, tools: CallTools, networks: Networks, limits: Limits, metrics: Metrics) -> None:
        self._tools = tools
        self._networks = networks
        self._limits = limits
        self._metrics = metrics

    @staticmethod
    def takes(path: str) -> bool:
        """Is this an address of ours?"""
        return _find(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`GET` or `POST`; both do the same, because that is how partners' systems call such addresses."""
        found = _find(scope["path"])
        assert found is not None, f"{scope['path']} is no address of calls"
        handler, part = found
        if scope["method"] in ("GET", "POST"):
            answer = await guarded(self._handle(scope, receive, handler, part))
        else:
            answer = wrong_method(scope, "GET, POST")
        await send_answer(scope, send, answer, self._metrics)

    async def _handle(self, scope: Scope, receive: Receive, handler: _Handler, part: str | None) -> PingReply | Refused:
        parameters = await request_parameters(scope, receive, body_seconds=self._limits.body_seconds)
        return parameters if isinstance(parameters, Refused) else await handler(self, parameters, part)

    async def write(self, parameters: Parameters, key: str | None) -> PingReply | Refused:
        """`/data_writing`, also with the key in the address."""
        view = find_access(key or single(parameters, "key"), "write_tags", self._tools.plans.snapshot)
        if isinstance(view, Refused):
            return view
        name = _name_in(parameters)
        if isinstance(name, Refused):
            return name
        given = {tag: value for tag, value in parameters.items() if tag not in _OWN_PARAMETERS}
        written = await write_tags(self._tools.calls, view, name, given)
        if isinstance(written, Refused):
            return written
        return _reply({"tag_values": written.tags, **_named(written.name), "status": written.status})

    async def convert(self, parameters: Parameters, _: str | None) -> PingReply | Refused:
        """`/conversions`, with an access key, or with the call's own."""
        key, call_key = single(parameters, "key"), single(parameters, "call_key")
        side = single(parameters, "side") or "both"
        if not key and not call_key:
            return Refused(Reason.ACCESS_KEY_UNKNOWN, actual="no key", expected=_EITHER_KEY)
        by_buyer = call_key and not key
        view = None if by_buyer else find_access(key, "convert", self._tools.plans.snapshot)
        if isinstance(view, Refused):
            return view
        if side not in get_args(SidesWanted):
            return Refused(Reason.SIDE_INVALID, actual=side[:20], expected=", ".join(get_args(SidesWanted)))
        name = read_name(single(parameters, "call_uuid"), None)
        if isinstance(name, Refused):
            return name
        assert name.call_uuid is not None, "it was named by its uuid"
        wanted = cast("SidesWanted", side)
        if view is None:
            reported = await report_by_buyer(self._tools, name.call_uuid, call_key or "", wanted)
        else:
            reported = await report_by_key(self._tools, view, name.call_uuid, wanted)
        return reported if isinstance(reported, Refused) else _reply(_report_body(reported))

    async def reject(self, parameters: Parameters, group: str | None) -> PingReply | Refused:
        """`/call_control/reject`, also below a group of buyers."""
        view = find_access(single(parameters, "key"), "hand_back", self._tools.plans.snapshot)
        if isinstance(view, Refused):
            return view
        name = _name_in(parameters)
        if isinstance(name, Refused):
            return name
        call_id = await hand_back(self._tools.calls, self._networks, view, name, group_id=group)
        if isinstance(call_id, Refused):
            return call_id
        return _reply({"call_uuid": call_id, "status": "call handed back"})


_ADDRESSES: tuple[tuple[re.Pattern[str], _Handler], ...] = (
    (re.compile(r"/data_writing(?:/([^/]+))?"), CallApi.write),
    (re.compile(r"/conversions()"), CallApi.convert),
    (re.compile(r"(?:/buyer_groups/([^/]+))?/call_control/reject"), CallApi.reject),
)


def _find(path: str) -> tuple[_Handler, str | None] | None:
    """What serves this address, and the part of it that is a key or a group."""
    for pattern, handler in _ADDRESSES:
        found = pattern.fullmatch(path)
        if found is not None:
            return handler, found[1]
    return None


def _name_in(parameters: Parameters) -> CallName | Refused:
    return read_name(single(parameters, "call_uuid"), single(parameters, "caller_number"))


def _named(name: CallName) -> dict[str, str]:
    if name.call_uuid is not None:
        return {"call_uuid": name.call_uuid}
    assert name.caller_number is not None, "a call is named by one of the two"
    return {"caller_number": name.caller_number}


def _report_body(reported: Reported) -> dict[str, str]:
    return {
        "call_uuid": reported.call_id,
        "status": "converted" if reported.converted else "not converted",
        "code": reported.reason.code,
        "info": reported.reason.safe_text,
    }


def _reply(body: Mapping[str, object]) -> PingReply:
    return PingReply(200, msgspec.json.encode(body))
