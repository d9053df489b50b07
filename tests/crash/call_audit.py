"""The auditor of the chaos run of calls: what both ends saw (`crash.call_books`) against records, calls and the ledger.

It shares no code with the product, and returns every broken promise as a line of text; none is a pass. Times are in
seconds since 1970.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from crash.call_books import Call
from crash.call_contents import Attempt, Contents, StoredCall
from crash.call_pings import Pinged

REVENUE_MICROS, PAYOUT_MICROS, SECONDS = 1_500_000, 1_173_000, 2
PUBLISHER = "publisher/chaos"
CLOCK_SECONDS = 0.1  # between something and its line in SIPp's log
MOMENT_SECONDS = 0.5  # around a kill of Kamailio, in which a call may be lost


@dataclass(frozen=True)
class Run:
    """What was done and seen. `engine_kills`: spans from a kill of Kamailio until it was back. `dialogs_last`: do live
    calls outlive a kill of Kamailio?"""

    calls: Mapping[str, Call]
    pinged: Sequence[Pinged]
    engine_kills: Sequence[tuple[float, float]]
    dialogs_last: bool


@dataclass(frozen=True)
class Verdict:
    """`violations`: every broken promise.

    `counts` of calls: `answered`; `cut`, answered when Kamailio was killed and forgot them (`short`: nobody knows how
    long they lasted); `lost`, being set up at the moment when Kamailio was killed; `refused` with 503, else; `unheard`:
    callers gave up though Kamailio, that ran or came back, had their call. And `claimed` reservations, and pings that
    were answered too `late` for that.
    """

    violations: tuple[str, ...]
    counts: Mapping[str, int]


def audit(run: Run, contents: Contents) -> Verdict:
    """Every broken promise, and how the calls ended."""
    found: list[str] = []
    counts: Counter[str] = Counter(calls=len(run.calls))
    stored: dict[str, list[StoredCall]] = defaultdict(list)
    for one in contents.calls:
        stored[one.call_id].append(one)
    for call in run.calls.values():
        kind, broken = _judge(call, stored.get(call.call_id, []), run, contents)
        counts[kind] += 1
        counts["short"] += kind == "cut" and _is_short(call, stored[call.call_id][0])
        found += [f"{call.call_id}: {line}" for line in broken]
    found += [f"{call_id}: stored, and nobody called" for call_id in stored.keys() - run.calls.keys()]
    found += _check_money(contents)
    found += _check_claims(run, contents, stored, counts)
    found += [f"leaked: {line}" for line in contents.leaks]
    found += [f"{contents.unnoted} records of Kamailio were never taken in"] if contents.unnoted else []
    found += [f"{contents.ghosts} calls are over, and would come back with Kamailio"] if contents.ghosts else []
    return Verdict(tuple(found), counts)


def _judge(call: Call, stored: list[StoredCall], run: Run, contents: Contents) -> tuple[str, list[str]]:
    """How a call ended, and which promises were broken."""
    if len(stored) > 1:
        return "broken", [f"stored {len(stored)} times"]
    one = stored[0] if stored else None
    found = [] if one is None or one.phase in ("ended", "refused") else [f"it is over, and stored as {one.phase}"]
    if call.answered:
        if one is None:
            return "broken", ["answered, and not stored"]
        cut = not run.dialogs_last and _meets_kill(call.caller.answered_at, call.ended_at, run, slack=MOMENT_SECONDS)
        found += _check_answered(call, one, contents, run, loose=cut)
        return ("cut" if cut else "answered"), found
    if one is not None:
        found += _check_unanswered(call, one, contents)
    lost = _is_set_up_at_a_kill(call, run)
    if call.refused_with == 503:
        found += [] if call.retry_after else ["503 without Retry-After"]
        return ("lost" if lost else "refused"), found
    if call.refused_with is not None and call.gave_up_at is None:
        return "broken", [*found, f"refused with {call.refused_with}"]
    return ("lost" if lost else "unheard"), found


def _is_set_up_at_a_kill(call: Call, run: Run) -> bool:
    """One that comes later is repeated by its caller until the next Kamailio is there."""
    over_at = call.gave_up_at or call.refused_at
    kills = [(killed, killed) for killed, _ in run.engine_kills]
    return _meets_kill(call.caller.invited_at, over_at, replace(run, engine_kills=kills), slack=MOMENT_SECONDS)


def _meets_kill(first: float | None, last: float | None, run: Run, *, slack: float) -> bool:
    start = first if first is not None else float("-inf")
    end = last if last is not None else float("inf")
    return any(start - slack < back and killed < end + slack for killed, back in run.engine_kills)


def _check_answered(call: Call, one: StoredCall, contents: Contents, run: Run, *, loose: bool) -> Iterator[str]:
    """Exactly one record, with the right duration; exactly one decision a side, with its money."""
    recorded = [attempt for attempt in one.attempts if attempt.recorded]
    if len(recorded) != 1:
        yield f"answered once, and {len(recorded)} of its attempts are recorded"
        return
    [attempt] = recorded
    taken_in = [each for each in contents.inbox if each[0] == call.call_id]
    if taken_in != [(call.call_id, attempt.attempt_id)]:
        yield f"the store took in the records {taken_in}"
    yield from _check_own(call, attempt, contents, run, loose=loose)
    yield from _check_duration(call, attempt, loose=loose)
    yield from _check_decision(one, attempt, contents)


def _check_own(call: Call, attempt: Attempt, contents: Contents, run: Run, *, loose: bool) -> Iterator[str]:
    """Kamailio's own account of it. One that was killed as the call ended may believe that it goes on, and end it once
    more: then the first is the true one."""
    own = [record for record in contents.records if record[0] == call.call_id]
    if not own and not loose:
        yield "Kamailio has no record of it"
    if len(own) > 1 and not _meets_kill(call.hung_up_at, call.ended_at, run, slack=MOMENT_SECONDS):
        yield f"Kamailio recorded it {len(own)} times"
    if own and any(attempt_id != attempt.attempt_id for _, attempt_id, _ in own):
        yield f"Kamailio's records are {own}, the store's {attempt}"
    if own and abs(min(duration_ms for *_, duration_ms in own) - (attempt.duration_ms or 0)) > 1:
        yield f"Kamailio's records are {own}, the store's {attempt}"


def _check_duration(call: Call, attempt: Attempt, *, loose: bool) -> Iterator[str]:
    """It began between the buyer's answer and the caller's learning of it, and ended between the first BYE and the
    answer to the last. Of a call that was forgotten, no later end than the last sign of it can be proven."""
    answered_at = call.buyer.answered_at if call.buyer is not None else None
    told_at, hung_up_at, over_at = call.caller.answered_at, call.hung_up_at, call.ended_at
    if answered_at is None or told_at is None or hung_up_at is None or over_at is None or attempt.answered_ms is None:
        yield f"its ends saw {call}, its record is {attempt}"
        return
    started = attempt.answered_ms / 1000
    ended = started + (attempt.duration_ms or 0) / 1000
    for name, at, first, last in (
        ("answered", started, answered_at, told_at),
        ("ended", ended, started if loose else hung_up_at, (call.last_bye_at or over_at) if loose else over_at),
    ):
        if not first - CLOCK_SECONDS <= at <= last + CLOCK_SECONDS:
            yield f"{name} at {at:.3f} by the record, from {first:.3f} to {last:.3f} by its ends"


def _check_decision(one: StoredCall, attempt: Attempt, contents: Contents) -> Iterator[str]:
    """By the record alone: one outcome a side, one posting a side where it converts."""
    converts = (attempt.duration_ms or 0) >= SECONDS * 1000
    expected = "converted" if converts else "not_converted"
    for side, outcome in (("revenue", attempt.revenue), ("payout", attempt.payout)):
        if outcome != expected:
            yield f"{attempt.duration_ms} ms, and its {side} is {outcome}"
    postings = [posting for posting in contents.postings if posting.call_uuid == one.uuid]
    sides = sorted((posting.kind, posting.side) for posting in postings)
    if sides != ([("conversion", "payout"), ("conversion", "revenue")] if converts else []):
        yield f"{attempt.duration_ms} ms, and booked {sides}"
    right = {
        "revenue": {f"buyer/{attempt.buyer_id}": -REVENUE_MICROS, "company/revenue": REVENUE_MICROS},
        "payout": {PUBLISHER: PAYOUT_MICROS, "company/payout": -PAYOUT_MICROS},
    }
    for posting in postings:
        if posting.entries != right.get(posting.side):
            yield f"its {posting.side} is booked as {dict(posting.entries)}"


def _check_unanswered(call: Call, one: StoredCall, contents: Contents) -> Iterator[str]:
    """A buyer may have answered, and Kamailio been killed before the caller knew: then the record counts."""
    recorded = [attempt for attempt in one.attempts if attempt.recorded]
    for attempt in recorded:
        if call.buyer is None:
            yield f"nobody answered, and it has the record {attempt}"
        yield from _check_decision(one, attempt, contents)
    booked = [posting.key for posting in contents.postings if posting.call_uuid == one.uuid]
    if booked and not recorded:
        yield f"nobody answered, and booked is {booked}"


def _is_short(call: Call, one: StoredCall) -> bool:
    """Does its record end before anybody hung up?"""
    ends = [(each.answered_ms or 0) + (each.duration_ms or 0) for each in one.attempts if each.recorded]
    return bool(ends) and call.hung_up_at is not None and max(ends) / 1000 < call.hung_up_at - CLOCK_SECONDS


def _check_money(contents: Contents) -> Iterator[str]:
    """All postings sum to zero, belong to a call, and add up to the balances."""
    sums: Counter[str] = Counter()
    known = {call.uuid for call in contents.calls}
    keys = Counter(posting.key for posting in contents.postings)
    yield from (f"posted {times} times: {key}" for key, times in keys.items() if times > 1)
    for posting in contents.postings:
        sums.update(posting.entries)
        if sum(posting.entries.values()) != 0:
            yield f"{posting.key} sums to {sum(posting.entries.values())}"
        if posting.call_uuid not in known:
            yield f"{posting.key} is of no call"
    if {name: micros for name, micros in sums.items() if micros} != {k: v for k, v in contents.balances.items() if v}:
        yield f"the balances are {dict(contents.balances)}, the entries add up to {dict(sums)}"


def _check_claims(
    run: Run, contents: Contents, stored: Mapping[str, list[StoredCall]], counts: Counter[str]
) -> Iterator[str]:
    """A reservation that was there when its call came is that call's, and of no other."""
    claims = Counter(call.reservation_id for call in contents.calls if call.reservation_id is not None)
    yield from (f"reservation {uuid} has {times} calls" for uuid, times in claims.items() if times > 1)
    by_number = {call.number: call for call in run.calls.values()}
    for pinged in run.pinged:
        call = by_number.get(pinged.number)
        if not pinged.reserved or call is None or not stored.get(call.call_id):
            continue
        [one, *_] = stored[call.call_id]
        in_time = call.caller.invited_at is not None and pinged.answered_at < call.caller.invited_at
        if one.reservation_id == pinged.uuid:
            counts["claimed"] += 1
        elif not in_time:
            counts["late"] += 1
        else:
            yield f"{call.call_id}: its reservation {pinged.uuid} was there before it, and it did not claim it"
