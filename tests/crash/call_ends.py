"""What callers and buyers do in the chaos run of calls, as SIPp scenarios: they repeat what is lost, as phones do.

`crash.call_loop` plays them, `crash.call_books` reads what they saw.
"""

from __future__ import annotations

_TALK_MS = (1000, 4000)
_BUYER_WAITS_MS = 6000  # longer than anybody talks
_LINGER_MS = 2000  # to answer once more what the other end repeats
_REFUSALS = (403, 404, 408, 480, 481, 486, 487, 500, 503, 603)

_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
# Of an INVITE, and of what belongs to its transaction: SIPp's own is another in each message.
_INVITES_VIA = _VIA.replace("[branch]", "z9hG4bK-[pid]-[call_number]-invite")
_CONTACT = "Contact: <sip:end@[local_ip]:[local_port]>"
_CALLER = "From: <sip:[field0]@[local_ip]>;tag=[pid]F[call_number]"
_CALLED = "To: <sip:[service]@[remote_ip]>"
_ECHOED = "[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n[last_Record-Route:]\n"
_TAG = ";tag=[pid]T[call_number]"
_NO_BODY = "Content-Length: 0\n"
_SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 40000 RTP/AVP 0"""
_TALK = '<pause distribution="uniform" min="{}" max="{}"/>'.format(*_TALK_MS)
_LINGER = f'<label id="end"/>\n<timewait milliseconds="{_LINGER_MS}"/>'


def caller(*, waits_for_bye: bool, patience_seconds: float) -> str:
    """Calls from the number in the first field, talks for a while and hangs up, or lets the buyer do that. Gives up
    when it has waited for `patience_seconds`."""
    patience = f'timeout="{patience_seconds * 1000:.0f}" ontimeout="give_up"'
    steps = [_send(_invite()), '<recv response="100"/>']  # until it comes, the INVITE is repeated, for half a minute
    steps += [f'<recv response="{code}" optional="true" {patience}/>' for code in (180, 183)]
    steps += [f'<recv response="{code}" optional="true" next="refused" {patience}/>' for code in _REFUSALS]
    steps += [f'<recv response="200" rrs="true" {patience}/>', _send(_within("ACK", cseq=1), repeat=False)]
    if waits_for_bye:
        waits = f'timeout="{_BUYER_WAITS_MS}" ontimeout="own_bye"'
        steps += [f'<recv request="BYE" {waits}/>', _send(_response(200), repeat=False), _go("end")]
        steps += ['<label id="own_bye"/>']
    else:
        steps += [_TALK]
    steps += [_send(_within("BYE", cseq=2)), *_answered_bye(), _go("end")]
    steps += ['<label id="refused"/>', _send(_of_invite("ACK"), repeat=False), _go("end")]
    steps += ['<label id="give_up"/>', _send(_of_invite("CANCEL"), repeat=False)]
    steps += ['<recv response="487" timeout="1000" ontimeout="end"/>', _send(_of_invite("ACK"), repeat=False)]
    return _scenario([*steps, _LINGER])


def busy_buyer() -> str:
    """Is always on another line."""
    return _scenario(['<recv request="INVITE"/>', _send(_response(486, tag=True)), '<recv request="ACK"/>'])


def buyer(*, hangs_up: bool, ring_ms: int = 50) -> str:
    """Rings, answers, and hangs up after a while or waits until the caller does."""
    ends = "".join(
        f'<ereg regexp=".*" search_in="hdr" header="{header}:" assign_to="{name}"/>'
        for header, name in (("From", "caller"), ("To", "callee"))
    )
    steps = [f'<recv request="INVITE" rrs="true"><action>{ends}</action></recv>']
    steps += [_send(_response(180, tag=True), repeat=False), f'<pause milliseconds="{ring_ms}"/>']
    # The ACK may be lost with a Kamailio that is killed, and not be missed before the caller hangs up.
    steps += [_send(_response(200, tag=True, body=True)), '<recv request="BYE" optional="true" next="late"/>']
    steps += ['<recv request="ACK"/>']
    if hangs_up:
        steps += [_TALK, _send(_BUYERS_BYE), '<recv response="481" optional="true" next="forgotten"/>']
        steps += ['<recv response="200"/>', _go("end")]
        # A Kamailio that was killed has forgotten the call, and so has the buyer when the caller hangs up at last.
        patience = f'timeout="{_BUYER_WAITS_MS}" ontimeout="end"'
        steps += ['<label id="forgotten"/>', f'<recv request="BYE" {patience}/>', _send(_response(481), repeat=False)]
        steps += [_go("end")]
    else:
        steps += ['<recv request="BYE"/>', _send(_response(200), repeat=False), _go("end")]
    steps += ['<label id="late"/>', _send(_response(200), repeat=False)]
    return _scenario([*steps, _LINGER, '<Reference variables="caller,callee"/>'])


_BUYERS_BYE = f"""BYE [next_url] SIP/2.0
{_VIA}
[routes]
From:[$callee]{_TAG}
To:[$caller]
Call-ID: [call_id]
CSeq: 1 BYE
Max-Forwards: 70
{_NO_BODY}"""


def _answered_bye() -> list[str]:
    """481: the buyer has forgotten the call, as Kamailio had when it hung up."""
    return ['<recv response="481" optional="true" next="end"/>', '<recv response="200"/>']


def _invite() -> str:
    head = ["INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0", _INVITES_VIA, _CALLER, _CALLED]
    return "\n".join([*head, "Call-ID: [call_id]", "CSeq: 1 INVITE", _CONTACT, "Max-Forwards: 70", _SDP])


def _within(method: str, *, cseq: int) -> str:
    head = [f"{method} [next_url] SIP/2.0", _VIA, "[routes]", _CALLER, "[last_To:]", "Call-ID: [call_id]"]
    return "\n".join([*head, f"CSeq: {cseq} {method}", _CONTACT, "Max-Forwards: 70", _NO_BODY])


def _of_invite(method: str) -> str:
    """An ACK of a refusal, or a CANCEL: of the very transaction of the INVITE."""
    called = "[last_To:]" if method == "ACK" else _CALLED
    head = [f"{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0", _INVITES_VIA, _CALLER, called]
    return "\n".join([*head, "Call-ID: [call_id]", f"CSeq: 1 {method}", "Max-Forwards: 70", _NO_BODY])


def _response(code: int, *, tag: bool = False, body: bool = False) -> str:
    text = {180: "Ringing", 200: "OK", 481: "Call Does Not Exist", 486: "Busy Here"}[code]
    return f"SIP/2.0 {code} {text}\n{_ECHOED.format(tag=_TAG if tag else '')}{_CONTACT}\n{_SDP if body else _NO_BODY}"


def _send(message: str, *, repeat: bool = True) -> str:
    again = ' retrans="500"' if repeat else ""
    return f"<send{again}><![CDATA[\n{message}\n]]></send>"


def _go(label: str) -> str:
    return f'<nop next="{label}"/>'


def _scenario(steps: list[str]) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="chaos">\n{}\n</scenario>\n'.format("\n".join(steps))
