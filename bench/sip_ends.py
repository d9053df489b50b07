"""Both ends of the measured calls: SIPp as the carrier that places them at a fixed rate, and SIPp as every buyer.

The buyer rings at once and answers some 50 ms later; the caller hangs up after some 500 ms. Both vary: were they always
the same, what is told of one call would meet the arrival of another one each time. `sip_messages` reads what the caller
saw.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from bench.sip_messages import ANSWER_WAIT_MS, Placed, read_messages

TALK_MS = 500.0
PORT = 5060
_PATIENCE_SECONDS = 12  # longer than a call may wait for its way
_MOST_AT_ONCE = 100_000  # else SIPp places fewer calls where they take long, and hides the delay
_SIPP = ("sipp", "-nostdin", "-nd", "-timer_resol", "1", "-p", str(PORT))

_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
_FROM = "From: <sip:[field0]@[local_ip]>;tag=[pid]F[call_number]"
_CONTACT = "Contact: <sip:end@[local_ip]:[local_port]>"
_SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 40000 RTP/AVP 0"""
_NO_BODY = "Content-Length: 0\n\n"


def caller_scenario() -> str:
    """One call; its caller's number is the next line of the file that SIPp is given."""
    invite = f"""INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
{_VIA}
{_FROM}
To: <sip:[service]@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 INVITE
{_CONTACT}
Max-Forwards: 70
{_SDP}"""
    return _scenario(
        _send(invite, repeated=True),
        '<recv response="100" optional="true"/>',
        '<recv response="180" optional="true"/>',
        '<recv response="200" rrs="true"/>',
        _send(_within("ACK", 1)),
        _pause(TALK_MS),
        _send(_within("BYE", 2), repeated=True),
        '<recv response="200"/>',
    )


def buyer_scenario() -> str:
    """Rings, answers, and takes the BYE."""
    return _scenario(
        '<recv request="INVITE"/>',
        _send(_response("180 Ringing", tag=True)),
        _pause(ANSWER_WAIT_MS),
        _send(_response("200 OK", tag=True, body=True), repeated=True),
        '<recv request="ACK"/>',
        '<recv request="BYE"/>',
        _send(_response("200 OK")),
    )


async def place_calls(
    callers: Sequence[str], *, dialled: str, source: str, target: str, rate: float, folder: Path
) -> Placed:
    """Place one call from each of `callers` to `dialled` at `target`; returns when all have ended."""
    scenario, numbers, messages = folder / "caller.xml", folder / "callers.csv", folder / "messages.tsv"
    scenario.write_text(caller_scenario())
    numbers.write_text("SEQUENTIAL\n" + "".join(f"{caller};\n" for caller in callers))
    messages.write_text("")
    process = await asyncio.create_subprocess_exec(
        *_SIPP, "-sf", str(scenario), "-inf", str(numbers), "-i", source, "-s", dialled, target,
        "-m", str(len(callers)), "-r", str(rate), "-l", str(_MOST_AT_ONCE),
        "-trace_shortmsg", "-shortmessage_file", str(messages),
        cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await asyncio.wait_for(process.wait(), len(callers) / rate + _PATIENCE_SECONDS)
    except TimeoutError:
        pass  # the calls that are still under way have no answer
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    with messages.open(encoding="utf-8", errors="replace") as lines:
        return read_messages(lines)


@contextlib.asynccontextmanager
async def answering(address: str, folder: Path) -> AsyncIterator[None]:
    """All buyers, at one address, while the block runs."""
    scenario = folder / "buyer.xml"
    scenario.write_text(buyer_scenario())
    process = await asyncio.create_subprocess_exec(
        *_SIPP, "-sf", str(scenario), "-i", address,
        cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _within(method: str, number: int) -> str:
    return f"""{method} [next_url] SIP/2.0
{_VIA}
[routes]
{_FROM}
[last_To:]
Call-ID: [call_id]
CSeq: {number} {method}
Max-Forwards: 70
{_NO_BODY}"""


def _response(status: str, *, tag: bool = False, body: bool = False) -> str:
    to = "[last_To:]" + (";tag=[pid]T[call_number]" if tag else "")
    return f"""SIP/2.0 {status}
[last_Via:]
[last_From:]
{to}
[last_Call-ID:]
[last_CSeq:]
[last_Record-Route:]
{_CONTACT}
{_SDP if body else _NO_BODY}"""


def _send(message: str, *, repeated: bool = False) -> str:
    again = ' retrans="500"' if repeated else ""
    return f"<send{again}><![CDATA[\n{message}\n]]></send>"


def _pause(mean_ms: float) -> str:
    return f'<pause distribution="uniform" min="{mean_ms * 0.6:.0f}" max="{mean_ms * 1.4:.0f}"/>'


def _scenario(*steps: str) -> str:
    body = "\n".join(steps)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="bench">\n{body}\n</scenario>\n'
