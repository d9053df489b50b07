"""What the two ends of a call do, as SIPp scenarios: a caller and a buyer, each with a few choices."""

from __future__ import annotations

_SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 40000 RTP/AVP 0"""
_EMPTY = "Content-Length: 0\n\n"
_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
_CONTACT = "Contact: <sip:end@[local_ip]:[local_port];transport=[transport]>"
_CALLER = '"Caller" <sip:+12025550123@[local_ip]:[local_port]>'
_ECHOED = "[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n"
_TAG = ";tag=[pid]T[call_number]"
_TEXTS = {180: "Ringing", 200: "OK", 404: "Not Found", 486: "Busy Here", 487: "Request Terminated", 603: "Declined"}
_KEEP_ENDS = (
    '<action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>'
    '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="callee"/></action>'
)


def caller(
    *,
    final: int = 200,
    talk_ms: int = 300,
    headers: str = "",
    from_: str = _CALLER,
    reinvite_after_ms: int | None = None,
    repeats: int = 0,
    waits_for_bye: bool = False,
    vanishes: bool = False,
) -> str:
    """Calls and expects the code `final`; once answered it hangs up after `talk_ms`, waits for BYE, or is gone."""
    invite = _request("INVITE", cseq=1, from_=from_, headers=headers, body=True)
    again = [_pause(60), _send(invite.replace(_VIA, "[last_Via:]"))]
    first = _send(invite, retransmit=True)  # where hundreds call at once, a slow machine loses some
    steps = [first, *([_receive(100), *again * repeats] if repeats else []), *_provisional()]
    if final >= 300:
        return _scenario([*steps, _receive(final), _send(_ack_of_failure(from_))])
    steps += [_receive(200, routes=True), _send(_request("ACK", cseq=1, from_=from_, within=True))]
    if reinvite_after_ms is not None:
        steps += [_pause(reinvite_after_ms), _send(_request("INVITE", cseq=2, from_=from_, within=True, body=True))]
        steps += [_optional(100), _receive(200), _send(_request("ACK", cseq=2, from_=from_, within=True))]
    if vanishes:
        return _scenario(steps)
    if waits_for_bye:
        return _scenario([*steps, _expect("BYE"), _send(_response(200))])
    bye = _request("BYE", cseq=3, from_=from_, within=True)
    return _scenario([*steps, _pause(talk_ms), _send(bye, retransmit=True), _receive(200)])


def referred_caller(*, code: int = 202, talk_ms: int | None = 300, hangs_up_first: bool = False) -> str:
    """Calls, and is asked with REFER to call again. With 202 it is hung up on, and says how that goes on; with another
    code (0: without a word) it stays, and hangs up after `talk_ms` (None: waits to be hung up on).
    `hangs_up_first`: it does not wait for BYE, and its own crosses that."""
    invite = _request("INVITE", cseq=1, from_=_CALLER, body=True)
    # (REFER comes from the other end: what was the callee is `From` in it.)
    steps = [_send(invite), *_provisional(), f'<recv response="200"{_ROUTES}>{_KEEP_ENDS}</recv>']
    steps += [_send(_request("ACK", cseq=1, from_=_CALLER, within=True)), _expect("REFER")]
    steps += [_send(_response(code))] if code else []
    bye = _request("BYE", cseq=3, from_=_CALLER, within=True).replace("[last_To:]", "To:[$callee]")
    if hangs_up_first:
        return _scenario([*steps, _send(bye), '<recv request="BYE" optional="true"/>', _receive(200)])
    if code >= 300 and talk_ms is None:
        return _scenario([*steps, _expect("BYE"), _send(_response(200))])
    if code >= 300 or not code:
        return _scenario([*steps, _pause(talk_ms), _send(bye), _receive(200)])
    notify = _request("NOTIFY", cseq=2, from_=_CALLER, within=True, headers="Event: refer\nSubscription-State: active")
    notify = notify.replace("[last_To:]", "To:[$callee]")
    return _scenario([*steps, _expect("BYE"), _send(_response(200)), _send(notify), _receive(200)])


_VOUCHING = "P-Asserted-Identity: <sip:+12025550188;verstat=TN-Validation-Passed-A@carrier.example>"


def password_caller(*, final: int = 200) -> str:
    """Calls, is asked for its password, and calls again with the one that SIPp was given. It vouches for its caller,
    which is not its to do."""
    first = _request("INVITE", cseq=1, from_=_CALLER, body=True)
    asked = '<recv response="407" auth="true"/>'
    second = _request("INVITE", cseq=2, from_=_CALLER, headers=f"[authentication]\n{_VOUCHING}", body=True)
    steps = [_send(first), asked, _send(_ack_of_failure(_CALLER)), _send(second), *_provisional()]
    if final >= 300:
        return _scenario([*steps, _receive(final), _send(_ack_of_failure(_CALLER, cseq=2))])
    steps += [_receive(200, routes=True), _send(_request("ACK", cseq=2, from_=_CALLER, within=True)), _pause(100)]
    return _scenario([*steps, _send(_request("BYE", cseq=3, from_=_CALLER, within=True)), _receive(200)])


def cancelling_caller(*, after_ms: int, ringing: bool) -> str:
    """Calls, and hangs up `after_ms` after it was told to wait (or that it rings), before anybody answered."""
    steps = [_send(_request("INVITE", cseq=1, from_=_CALLER, body=True)), _receive(100)]
    steps += [_receive(180)] if ringing else []
    cancel = _request("CANCEL", cseq=1, from_=_CALLER, same_branch=True)
    steps += [_pause(after_ms), _send(cancel), _receive(200), _receive(487), _send(_ack_of_failure(_CALLER))]
    return _scenario(steps)


def buyer(*, code: int = 200, ring_ms: int = 50, rings: bool = True, hangs_up_after_ms: int | None = None) -> str:
    """Rings for `ring_ms`, answers with this code, and then waits for BYE or hangs up itself."""
    steps = [_expect("INVITE", routes=True, action=_KEEP_ENDS), *([_send(_response(180, tag=True))] if rings else [])]
    steps += [_pause(ring_ms)] if ring_ms else []
    if code >= 300:
        return _scenario([*steps, _send(_response(code, tag=True), retransmit=True), _expect("ACK")])
    steps += [_send(_response(200, tag=True, body=True), retransmit=True), _expect("ACK")]
    if hangs_up_after_ms is not None:
        return _scenario([*steps, _pause(hangs_up_after_ms), _send(_BUYERS_BYE), _receive(200)])
    reinvited = '<recv request="INVITE" optional="true" next="again"/>'
    again = [_send(_response(200, body=True)), _expect("ACK"), _expect("BYE"), _send(_response(200))]
    usual = [_expect("BYE"), _send(_response(200)), '<nop next="end"/>']
    return _scenario([*steps, reinvited, *usual, '<label id="again"/>', *again, '<label id="end"/>'])


def vanishing_buyer() -> str:
    """Answers, and is never heard of again."""
    answer = _response(200, tag=True, body=True)
    return _scenario([_expect("INVITE", action=_KEEP_ENDS), _send(answer, retransmit=True), _expect("ACK")])


def silent_buyer() -> str:
    """Rings, never answers, and obeys a CANCEL."""
    steps = [_expect("INVITE", action=_KEEP_ENDS), _send(_response(180, tag=True)), _expect("CANCEL")]
    return _scenario([*steps, _send(_response(200)), _send(_response(487, tag=True, cseq="1 INVITE")), _expect("ACK")])


def stray_bye() -> str:
    """A BYE by somebody who saw a call's Call-ID (`-cid_str`), but not its tags; expects 481."""
    bye = _request("BYE", cseq=9, from_=_CALLER).replace("To: <sip:[service]@[remote_ip]>", _GUESSED_TO)
    return _scenario([_send(bye.replace(_CONTACT, f"Route: <sip:[remote_ip];lr>\n{_CONTACT}")), _receive(481)])


def options(*, code: int | None = 200) -> str:
    """Asks whether somebody is there."""
    return _scenario([_send(_request("OPTIONS", cseq=1, from_=_CALLER)), *([_receive(code)] if code else [])])


_GUESSED_TO = "To: <sip:[service]@[remote_ip]>;tag=guessed"
_BUYERS_BYE = f"""BYE [next_url] SIP/2.0
{_VIA}
[routes]
From:[$callee]{_TAG}
To:[$caller]
Call-ID: [call_id]
CSeq: 1 BYE
Max-Forwards: 70
{_EMPTY}"""


def _request(
    method: str,
    *,
    cseq: int,
    from_: str,
    within: bool = False,
    same_branch: bool = False,
    headers: str = "",
    body: bool = False,
) -> str:
    lines = [f"{method} {'[next_url]' if within else 'sip:[service]@[remote_ip]:[remote_port]'} SIP/2.0"]
    lines += ["[last_Via:]" if same_branch else _VIA]
    lines += ["[routes]"] if within else []
    lines += [f"From: {from_};tag=[pid]F[call_number]", "[last_To:]" if within else "To: <sip:[service]@[remote_ip]>"]
    lines += ["Call-ID: [call_id]", f"CSeq: {cseq} {method}", _CONTACT, "Max-Forwards: 70"]
    return "\n".join([*lines, *headers.splitlines(), _SDP if body else _EMPTY])


def _ack_of_failure(from_: str, *, cseq: int = 1) -> str:
    lines = [
        "ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
        "[last_Via:]",
        f"From: {from_};tag=[pid]F[call_number]",
    ]
    return "\n".join([*lines, "[last_To:]", "Call-ID: [call_id]", f"CSeq: {cseq} ACK", "Max-Forwards: 70", _EMPTY])


def _response(code: int, *, tag: bool = False, body: bool = False, cseq: str | None = None) -> str:
    echoed = _ECHOED.format(tag=_TAG if tag else "")
    sequence = "[last_CSeq:]" if cseq is None else f"CSeq: {cseq}"
    head = f"SIP/2.0 {code} {_TEXTS.get(code, 'Refused')}\n{echoed}{sequence}\n[last_Record-Route:]\n{_CONTACT}\n"
    return head + (_SDP if body else _EMPTY)


def _send(message: str, *, retransmit: bool = False) -> str:
    again = ' retrans="500"' if retransmit else ""
    return f"<send{again}><![CDATA[\n{message}\n]]></send>"


def _receive(code: int, *, routes: bool = False) -> str:
    return f'<recv response="{code}"{_ROUTES if routes else ""}/>'


def _optional(code: int) -> str:
    return f'<recv response="{code}" optional="true"/>'


def _provisional() -> list[str]:
    return [_optional(code) for code in (100, 180, 183)]


def _expect(method: str, *, routes: bool = False, action: str = "") -> str:
    return f'<recv request="{method}"{_ROUTES if routes else ""}>{action}</recv>'


def _pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


_ROUTES = ' rrs="true"'


def _scenario(steps: list[str]) -> str:
    body = "\n".join(steps)
    unused = '<Reference variables="caller,callee"/>\n' if "assign_to" in body else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="test">\n{body}\n{unused}</scenario>\n'
