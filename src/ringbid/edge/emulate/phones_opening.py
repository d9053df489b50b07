"""Which phones the demo has: real SIP where its programs are installed and start, else a simulated carrier, or none.

Opened by `ringbid demo` before its server, whose settings they change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ringbid.buyers.protocol import Outbound
from ringbid.edge.emulate.phones import Phones, PhonesKind, plain_address
from ringbid.edge.emulate.phones_simulated import NAME, SimulatedPhones
from ringbid.edge.emulate.phones_sip import PhonesFailed, SipPhones, missing_packages
from ringbid.settings import Settings
from ringbid.values.clock import Clock

_LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """`settings`: the server's. `address_of`: where the phone of a number is called. `phones` None: nobody calls."""

    settings: Settings
    phones: Phones | None
    description: str
    address_of: Callable[[str], str]


@asynccontextmanager
async def open_phones(
    kind: PhonesKind | None, settings: Settings, *, seed: int, public_url: str, outbound: Outbound, clock: Clock
) -> AsyncIterator[Opened]:
    """These phones for the body's time; `kind` None: the best there are. Raises PhonesFailed where `kind` is sip, and
    SIP is not possible here. `public_url` is where the server will listen."""
    note = ""
    if kind in ("sip", None):
        sip = SipPhones()
        with_sip = settings.model_copy(update={"sip": sip.sip()})
        why = await _start(sip, with_sip)
        if why is None:
            try:
                yield Opened(settings=with_sip, phones=sip, description=sip.description, address_of=sip.address_of)
            finally:
                await sip.stop()
            return
        if kind == "sip":
            raise PhonesFailed(why)
        note = f" ({why})"
    if kind == "none":
        yield Opened(settings=settings, phones=None, description="none: publishers only ping", address_of=plain_address)
        return
    simulated = SimulatedPhones(seed=seed)
    simulated.connect(public_url=public_url, outbound=outbound, clock=clock)
    changed = {"carriers": {NAME: simulated.carrier()}, "public_url": public_url}
    yield Opened(
        settings=settings.model_copy(update=changed),
        phones=simulated,
        description=simulated.description + note,
        address_of=plain_address,
    )


async def _start(sip: SipPhones, settings: Settings) -> str | None:
    """Why SIP is not possible here; None where it runs now."""
    missing = missing_packages(settings)
    if missing:
        return f"apt-get install {' '.join(missing)} brings real SIP"
    try:
        await sip.start(settings)
    except PhonesFailed as error:
        return " ".join(str(error).split())[:_LONGEST_NOTE]
    return None
