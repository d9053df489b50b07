"""Whose call is this: the one that a reservation waits for, one that comes too late for it, or a direct call. Pure.

`call.flow` looks the reservation up (by the uuid in the SIP address, else by caller and dialled number) and asks here.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringbid.call.event import Arrival
from ringbid.catalog.model import Campaign, RtbKey
from ringbid.catalog.snapshot import CompanyView, Snapshot
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.reservation import Reservation
from ringbid.values.ids import PublisherId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

NO_PUBLISHER = PublisherId("")  # of a direct call on a number that belongs to nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a call is. `reason` is CALL_CLAIMED, CALL_LATE or CALL_DIRECT, with what was found and expected.

    `ping` is the reservation's ping, for the first two; `reservation` only where it is open and the call may claim it.
    """

    company: CompanyView
    campaign: Campaign
    key: RtbKey | None
    publisher_id: PublisherId
    reason: Reason
    actual: str | None = None
    expected: str | None = None
    ping: StoredPing | None = None
    reservation: Reservation | None = None
    number_tags: tuple[tuple[str, str], ...] = ()
    unpaid: bool = False
    only_reserved: bool = False
    refused: Refused | None = None  # it belongs here, and may not be routed all the same


def match(arrival: Arrival, ping: StoredPing | None, snapshot: Snapshot) -> Match | Refused:
    """What `arrival` is, given the `ping` that was found for it. Refused: INBOUND_UNKNOWN, RESERVATION_UNKNOWN or
    CALLER_DIFFERS, where it belongs to no campaign at all."""
    if ping is None or ping.reservation is None:
        if arrival.reservation_id is not None:
            return Refused(Reason.RESERVATION_UNKNOWN, actual=arrival.dialled)
        return _direct(arrival, snapshot)
    reservation = ping.reservation
    pinged, calling = reservation.caller_number, arrival.caller_number
    if pinged is not None and calling is not None and pinged != calling:
        # Whoever calls from another number is not the caller that was priced. By number, it is a call like any other.
        found = Refused(Reason.CALLER_DIFFERS, actual=f"…{calling[-4:]}", expected=f"…{pinged[-4:]}")
        return found if arrival.reservation_id is not None else _direct(arrival, snapshot)
    home = snapshot.campaigns.get((ping.company_id, ping.campaign_id))
    if home is None:
        return Refused(Reason.INBOUND_UNKNOWN, actual="the campaign was removed", expected="a campaign")
    key = next((one for one in home.campaign.rtb_keys if one.id == reservation.key_id), None)
    made = Match(
        company=home.company,
        campaign=home.campaign,
        key=key,
        publisher_id=reservation.publisher_id,
        reason=Reason.CALL_CLAIMED,
        ping=ping,
        reservation=reservation,
        only_reserved=key is not None and key.route_only_to_reserved_buyer,
        refused=_refuse(home.company, home.campaign, reservation.publisher_id),
    )
    return made if reservation.state.open else late(made, reservation)


def late(found: Match, reservation: Reservation) -> Match:
    """The same call, where its reservation is not open any more: the key's `after_expiry` decides."""
    policy = found.key.after_expiry if found.key is not None else "route_as_direct"
    ended = f"{reservation.state.value}"
    refused = found.refused
    if policy == "reject" and refused is None:
        setting = f"campaigns[{found.campaign.id}].rtb_keys[{found.key.name}].after_expiry" if found.key else None
        refused = Refused(Reason.CALL_REJECTED_LATE, actual=ended, expected="held or confirmed", setting=setting)
    return Match(
        company=found.company,
        campaign=found.campaign,
        key=found.key,
        publisher_id=found.publisher_id,
        reason=Reason.CALL_LATE,
        actual=f"the reservation is {ended}; after_expiry is {policy}",
        expected="held or confirmed",
        ping=found.ping,
        unpaid=policy == "route_unpaid",
        refused=refused,
    )


def _direct(arrival: Arrival, snapshot: Snapshot) -> Match | Refused:
    """A call on one of our numbers that nobody has pinged for."""
    views = snapshot.numbers.get(arrival.dialled, ())  # type: ignore[call-overload]  # -- a number, or what is none
    if not views:
        return Refused(Reason.INBOUND_UNKNOWN, actual=arrival.dialled[:40], expected="a number of a campaign")
    view = views[0]
    publisher_id = view.number.publisher or NO_PUBLISHER
    return Match(
        company=view.company,
        campaign=view.campaign,
        key=None,
        publisher_id=publisher_id,
        reason=Reason.CALL_DIRECT,
        actual="no open reservation of this caller on this number",
        number_tags=view.number.tags,
        refused=_refuse(view.company, view.campaign, publisher_id),
    )


def _refuse(company: CompanyView, campaign: Campaign, publisher_id: PublisherId) -> Refused | None:
    """Why this campaign takes no calls from this publisher now."""
    if campaign.paused:
        setting = f"campaigns[{campaign.id}].paused"
        return Refused(Reason.CALL_CAMPAIGN_PAUSED, actual="paused", expected="not paused", setting=setting)
    publisher = company.publishers.get(publisher_id)
    if publisher is not None and publisher.paused:
        setting = f"publishers[{publisher_id}].paused"
        return Refused(Reason.CALL_PUBLISHER_PAUSED, actual="paused", expected="not paused", setting=setting)
    return None
