"""What the demo's callers and buyers do on a real SIP line, as scenarios of SIPp. Pure; `phones_sip` runs them.

Each caller has a scenario of its own, and each buyer's phone, which counts its calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ringbid.edge.emulate.carrier_calls import PlacedCall
from ringbid.edge.emulate.carrier_lines import Behaviour, Refusal

_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
_CONTACT = "Contact: <sip:phone@[local_ip]:[local_port]>"
_NOTHING = "Content-Length: 0\n"
_SOUND = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=phone 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 40000 RTP/AVP 0
a=rtpmap:0 PCMU/8000"""
_KEEP_ENDS = (
    '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>'
    '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="called"/>'
)
_PHRASES = {180: "Ringing", 200: "OK", 486: "Busy Here", 487: "Request Terminated", 503: "Unavailable", 603: "Decline"}
_REFUSALS: Mapping[Refusal, int] = {"busy": 486, "declined": 603, "no-answer": 480, "failed": 503}
_REFUSED_WITH = (403, 404, 408, 480, 486, 487, 500, 503, 603)  # what a caller may be told
_FOR_EVER_MS = 3_600_000


def caller_scenario(placed: PlacedCall) -> str:
    """One caller. SIPp is given the number that it dials as its service (`-s`)."""
    if placed.patience_seconds is not None:
        return _scenario("caller", _gives_up(placed, after_ms=_ms(placed.patience_seconds)))
    steps = [
        _send(_invite(placed)),
        *[_receive(response=code, optional=True) for code in (100, 180)],
        *[_receive(response=code, optional=True, then="refused") for code in _REFUSED_WITH],
        _receive(response=200, routes=True),
        _send(_callers("ACK", placed, cseq=1, within=True)),
        _receive(request="BYE", within_ms=_ms(placed.talk_seconds), else_="hangs up"),
        _send(_answer(200)),
        *_end(),
        _label("hangs up"),
        _send(_callers("BYE", placed, cseq=2, within=True)),
        _receive(response=200),
        *_end(),
        _label("refused"),
        _send(_callers("ACK", placed, cseq=1)),
        _label("end"),
    ]
    return _scenario("caller", steps)


def _gives_up(placed: PlacedCall, *, after_ms: int) -> list[str]:
    """So long after it heard the first ring. Should it hear another phone ring meanwhile, SIPp gives up at once."""
    return [
        _send(_invite(placed)),
        _receive(response=100),
        _receive(response=180),
        f'<pause milliseconds="{after_ms}"/>',
        _send(_callers("CANCEL", placed, cseq=1)),
        _receive(response=200),
        _receive(response=487),
        _send(_callers("ACK", placed, cseq=1)),
    ]


def phone_scenario(ways: tuple[Behaviour, ...]) -> str:
    """One buyer's phone: it takes its first call in the first of these ways, its next one in the next, and so on."""
    turns = range(1, len(ways) + 1)
    tests = "".join(
        f'<test assign_to="turn_{turn}" variable="calls" compare="equal" value="{turn}"/>' for turn in turns
    )
    steps = [
        _receive(request="INVITE", routes=True, action=_KEEP_ENDS),
        f'<nop><action><add assign_to="calls" value="1"/>{tests}</action></nop>',
        *[f'<nop next="turn {turn}" test="turn_{turn}"/>' for turn in turns],
    ]
    for turn, way in zip(turns, ways, strict=True):
        steps.append(_label(f"turn {turn}"))
        if turn == len(ways):
            steps.append('<nop><action><assign assign_to="calls" value="0"/></action></nop>')
        steps += _takes(way, name=str(turn))
    steps.append(_label("end"))
    return _scenario("phone", steps, shared="calls")


def _takes(way: Behaviour, *, name: str) -> Iterator[str]:
    yield _send(_answer(180, tag=True))
    yield _receive(request="CANCEL", within_ms=_ms(way.after_seconds), else_=f"picks up {name}")
    yield _send(_answer(200))
    yield _send(_answer(487, tag=True, cseq="1 INVITE"), again=True)
    yield _receive(request="ACK")
    yield from _end()
    yield _label(f"picks up {name}")
    if way.refuses is not None:
        yield _send(_answer(_REFUSALS[way.refuses], tag=True), again=True)
        yield _receive(request="ACK")
        yield from _end()
        return
    yield _send(_answer(200, tag=True, sound=True), again=True)
    yield _receive(request="ACK")
    yield _receive(request="BYE", within_ms=_ms(way.talk_seconds), else_=f"hangs up {name}")
    yield _send(_answer(200))
    yield from _end()
    yield _label(f"hangs up {name}")
    yield _send(_BUYERS_BYE)
    yield _receive(response=200)
    yield from _end()


def _invite(placed: PlacedCall) -> str:
    vouched = "No-TN-Validation" if placed.attestation is None else f"TN-Validation-Passed-{placed.attestation}"
    asserted = f"P-Asserted-Identity: <sip:{placed.caller};verstat={vouched}@[local_ip]>"
    return _callers("INVITE", placed, cseq=1, more=(asserted,), body=_SOUND)


def _callers(
    method: str,
    placed: PlacedCall,
    *,
    cseq: int,
    within: bool = False,
    more: tuple[str, ...] = (),
    body: str = _NOTHING,
) -> str:
    """A request of the caller; `within` the call that was answered, else about its INVITE."""
    first = method == "INVITE"
    lines = [
        f"{method} {'[next_url]' if within else 'sip:[service]@[remote_ip]:[remote_port]'} SIP/2.0",
        _VIA if first or within else "[last_Via:]",
        *(["[routes]"] if within else []),
        f"From: <sip:{placed.caller}@[local_ip]:[local_port]>;tag=[pid]C[call_number]",
        "To: <sip:[service]@[remote_ip]>" if first or method == "CANCEL" else "[last_To:]",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
        _CONTACT,
        "Max-Forwards: 70",
        *more,
        body,
    ]
    return "\n".join(lines)


_BUYERS_BYE = f"""BYE [next_url] SIP/2.0
{_VIA}
[routes]
From:[$called];tag=[pid]B[call_number]
To:[$caller]
Call-ID: [call_id]
CSeq: 1 BYE
Max-Forwards: 70
{_NOTHING}"""


def _answer(code: int, *, tag: bool = False, sound: bool = False, cseq: str | None = None) -> str:
    lines = [
        f"SIP/2.0 {code} {_PHRASES.get(code, 'Refused')}",
        "[last_Via:]",
        "[last_From:]",
        f"[last_To:]{';tag=[pid]B[call_number]' if tag else ''}",
        "[last_Call-ID:]",
        "[last_CSeq:]" if cseq is None else f"CSeq: {cseq}",
        "[last_Record-Route:]",
        _CONTACT,
        _SOUND if sound else _NOTHING,
    ]
    return "\n".join(lines)


def _send(message: str, *, again: bool = False) -> str:
    """`again`: sent anew until it is answered, as UDP may lose it."""
    repeated = ' retrans="500"' if again else ""
    return f"<send{repeated}><![CDATA[\n{message}\n]]></send>"


def _receive(
    *,
    request: str | None = None,
    response: int | None = None,
    optional: bool = False,
    routes: bool = False,
    then: str | None = None,
    within_ms: int | None = None,
    else_: str | None = None,
    action: str = "",
) -> str:
    """Wait for this; `then` and, where it does not come `within_ms`, `else_` are labels to go on at."""
    attributes = {
        "request": request,
        "response": response,
        "optional": "true" if optional else None,
        "rrs": "true" if routes else None,
        "next": then,
        "timeout": within_ms,
        "ontimeout": else_,
    }
    written = "".join(f' {name}="{value}"' for name, value in attributes.items() if value is not None)
    return f"<recv{written}><action>{action}</action></recv>" if action else f"<recv{written}/>"


def _label(name: str) -> str:
    return f'<label id="{name}"/>'


def _end() -> list[str]:
    return ['<nop next="end"/>']


def _ms(seconds: float | None) -> int:
    return _FOR_EVER_MS if seconds is None else max(1, round(seconds * 1000))


def _scenario(name: str, steps: list[str], *, shared: str = "") -> str:
    body = "\n".join(steps)
    globals_ = f'<Global variables="{shared}"/>\n' if shared else ""
    unused = '<Reference variables="caller,called"/>\n' if 'assign_to="caller"' in body else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{name}">\n{globals_}{body}\n{unused}</scenario>\n'
