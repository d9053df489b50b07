"""`ringbid outbox …`, on a store by itself and through the server that owns it; and what doctor says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import typer

from ringbid.accounts.audit import AuditedChange
from ringbid.cli import outbox as commands
from ringbid.cli.running import user_name
from ringbid.edge.control import ControlServer
from ringbid.outbox.message import Message, MessageState
from ringbid.outbox.ports import Counts, DisabledEndpoint
from ringbid.store.opening import Store
from ringbid.store.sqlite import WriterBusy
from ringbid.values.author import Author
from ringbid.values.ids import CallId, CompanyId
from ringbid.worker import outbox_orders
from support.clocks import START
from support.outbox import ACME, ENDPOINT, message, put, tried, wish
from support.stores import StorePlace, run

CALL = CallId("0199-call")
NOTHING = Counts(waiting=0, dead=0, disabled=0, late_ms=0, disabled_endpoints=())


@pytest.fixture
def place(sqlite_place: StorePlace) -> StorePlace:
    """A store of one company, with a dead message and one that waits."""

    async def story(store: Store) -> None:
        await store.apply_catalog(ACME, "{}", applied_by="a test")
        await put(store, DEAD)
        await end(store, MessageState.DEAD)
        await put(store, WAITING)

    run(sqlite_place, story)
    return sqlite_place


DEAD = message(1, call_id=CALL, url="https://publisher.example/?token=hunter2&call=7")
WAITING = message(2)


async def end(store: Store, state: MessageState) -> None:
    [claimed] = (await store.outbox.turn([], wish())).claimed
    await store.outbox.turn([tried(claimed, state)], wish(room=0))


def audited(place: StorePlace, path: str = "") -> list[tuple[str, str | None, str | None]]:
    """What the terminal changed at `path` and below, the oldest first: of what, from, to."""

    async def story(store: Store) -> list[AuditedChange]:
        return await store.audit.listing(ACME, path=path, after=0)

    entries = [change.entry for change in run(place, story)]
    assert all(entry.author == Author(name=user_name()) for entry in entries)
    return [(entry.path, entry.before, entry.after) for entry in entries]


def state_of(place: StorePlace, message_id: str) -> MessageState:
    async def story(store: Store) -> MessageState:
        shown = await store.outbox.show(message_id)
        assert shown is not None
        return shown.listed.state

    state = run(place, story)
    assert isinstance(state, MessageState)
    return state


def print_list(place: StorePlace, *, as_json: bool, **filters: object) -> None:
    every = {"state": None, "company": None, "call": None, "limit": 50, **filters}
    commands.list_messages(**every, data=place.settings.data, database=None, as_json=as_json)  # type: ignore[arg-type]  # -- a test may be loose with types


def test_the_list_shows_each_message_with_its_last_result(
    place: StorePlace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    print_list(place, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [WAITING.message_id in lines[1], DEAD.message_id in lines[2]] == [True, True]
    assert "dead" in lines[2]
    assert "HTTP 500" in lines[2]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"state": "dead"}, [DEAD]),
        ({"call": CALL}, [DEAD]),
        ({"company": "acme"}, [WAITING, DEAD]),
        ({"company": "other"}, []),
        ({"limit": 1}, [WAITING]),
    ],
)
def test_the_list_can_be_filtered(
    place: StorePlace, filters: dict[str, object], found: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    print_list(place, as_json=True, **filters)
    listed = [one["message_id"] for one in json.loads(capsys.readouterr().out)]
    assert listed == [one.message_id for one in found]


def test_a_message_is_shown_with_its_tries_and_without_secrets(
    place: StorePlace, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.show(DEAD.message_id, data=place.settings.data, database=None, as_json=False)
    out = capsys.readouterr().out
    assert CALL in out
    assert "call=7" in out
    assert "HTTP 500" in out
    assert "hunter2" not in out
    commands.show(DEAD.message_id, data=place.settings.data, database=None, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["state"], shown["tries_made"][0]["status"]) == ("dead", 500)


def test_a_message_of_which_no_request_could_be_made_says_why_and_stays(
    place: StorePlace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = message(3, unsendable="found 'é', expected ASCII; see webhooks[crm].headers.X-Name")
    run(place, lambda store: put(store, lost))
    monkeypatch.setenv("COLUMNS", "250")
    print_list(place, as_json=False)
    [line] = [line for line in capsys.readouterr().out.splitlines() if lost.message_id in line]
    assert "found 'é', expected ASCII" in line
    commands.show(lost.message_id, data=place.settings.data, database=None, as_json=False)
    assert "never sent: found 'é', expected ASCII; see webhooks[crm].headers.X-Name" in capsys.readouterr().out
    with pytest.raises(typer.Exit):
        commands.replay([lost.message_id], company=None, endpoint=None, data=place.settings.data, database=None)
    assert "stays: no request could be made of it" in capsys.readouterr().out
    assert audited(place, "deliveries") == []
    assert state_of(place, lost.message_id) is MessageState.DEAD


def test_an_unknown_message_is_said_to_be_unknown(place: StorePlace, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        commands.show("msg_0", data=place.settings.data, database=None, as_json=False)
    assert "msg_0" in capsys.readouterr().err


def test_a_dead_message_is_replayed(place: StorePlace, capsys: pytest.CaptureFixture[str]) -> None:
    commands.replay([DEAD.message_id], company=None, endpoint=None, data=place.settings.data, database=None)
    assert "will be sent again" in capsys.readouterr().out
    assert state_of(place, DEAD.message_id) is MessageState.WAITING
    assert audited(place, "deliveries") == [(f"deliveries[{DEAD.message_id}]", "dead", "waiting")]


def test_a_replay_that_does_nothing_ends_with_code_1(place: StorePlace, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        commands.replay(
            ["msg_0", DEAD.message_id], company=None, endpoint=None, data=place.settings.data, database=None
        )
    assert ended.value.exit_code == 1
    out = capsys.readouterr().out
    assert "msg_0 is not in the outbox" in out
    assert state_of(place, DEAD.message_id) is MessageState.WAITING


def test_the_dead_messages_of_an_endpoint_are_replayed(place: StorePlace, capsys: pytest.CaptureFixture[str]) -> None:
    for said in ("1 dead message of", "0 dead messages of"):
        commands.replay([], company=None, endpoint=ENDPOINT, data=place.settings.data, database=None)
        assert said in capsys.readouterr().out
    assert audited(place, "endpoints") == [(f"endpoints[{ENDPOINT}].deliveries", "1 dead", "1 waiting")]
    assert state_of(place, DEAD.message_id) is MessageState.WAITING


@pytest.mark.parametrize(("message_ids", "endpoint"), [([], None), (["msg_0"], ENDPOINT)])
def test_a_replay_names_messages_or_an_endpoint(
    place: StorePlace, message_ids: list[str], endpoint: str | None
) -> None:
    with pytest.raises(typer.BadParameter):
        commands.replay(message_ids, company=None, endpoint=endpoint, data=place.settings.data, database=None)


def test_a_disabled_endpoint_is_enabled(place: StorePlace, capsys: pytest.CaptureFixture[str]) -> None:
    run(place, lambda store: end(store, MessageState.DISABLED))
    commands.enable(ENDPOINT, company="acme", data=place.settings.data, database=None)
    assert "1 message that was kept back" in capsys.readouterr().out
    assert state_of(place, WAITING.message_id) is MessageState.WAITING
    with pytest.raises(typer.Exit):
        commands.enable(ENDPOINT, company="acme", data=place.settings.data, database=None)
    assert audited(place, "endpoints") == [(f"endpoints[{ENDPOINT}]", "disabled", "enabled")]


def test_a_secret_is_made_kept_rotated_and_dropped(place: StorePlace, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*, rotate: bool = False, drop_old: bool = False) -> list[str]:
        commands.secret(None, rotate=rotate, drop_old=drop_old, data=place.settings.data, database=None)
        return capsys.readouterr().out.split()

    [first] = told()
    assert told() == [first]
    newest, old = told(rotate=True)
    assert old == first
    for _ in range(2):
        assert told(drop_old=True) == [newest]
    assert audited(place, "company.secret") == [
        ("company.secret", "one secret", "a new one; 2 sign"),
        ("company.secret", "the old one too", "the newest one alone"),
    ]


def test_an_event_webhook_s_secret_is_its_own(place: StorePlace, capsys: pytest.CaptureFixture[str]) -> None:
    def printed(webhook: str | None, *, rotate: bool = False) -> list[str]:
        commands.secret(None, webhook=webhook, rotate=rotate, drop_old=False, data=place.settings.data, database=None)
        return capsys.readouterr().out.split()

    [company] = printed(None)
    new, old = printed("crm", rotate=True)
    assert len({company, new, old}) == 3
    assert printed(None) == [company]
    assert printed("crm") == [new, old]
    assert audited(place, "event_webhooks") == [("event_webhooks[crm].secret", "one secret", "a new one; 2 sign")]
    assert audited(place, "company.secret") == []


def test_no_secret_is_made_for_a_company_there_is_none_of(
    place: StorePlace, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        commands.secret("acne", rotate=False, drop_old=False, data=place.settings.data, database=None)
    assert "acme" in capsys.readouterr().err


def test_beside_a_server_an_order_goes_through_it_and_its_sender_is_nudged(place: StorePlace) -> None:
    nudges: list[None] = []

    async def story(store: Store) -> None:
        orders = outbox_orders.orders(store.outbox, store.audit, nudge=lambda: nudges.append(None))
        server = ControlServer(place.settings.data, orders)
        await server.start()
        try:
            order = {"do": outbox_orders.REPLAY, "message_ids": [DEAD.message_id], "author": "ann"}
            assert await commands.carry_out(place.settings, order) == {"replayed": {DEAD.message_id: "waiting"}}
            [change] = await store.audit.listing(ACME, path="deliveries")
            assert (change.entry.author, change.entry.after) == (Author(name="ann"), "waiting")
        finally:
            await server.close()
        with pytest.raises(WriterBusy):
            await commands.carry_out(place.settings, order)

    run(place, story)
    assert nudges == [None]


@pytest.mark.parametrize("name", [outbox_orders.REPLAY_DEAD, outbox_orders.ENABLE, outbox_orders.SECRETS])
def test_every_order_is_carried_out_by_the_server_as_by_the_command(place: StorePlace, name: str) -> None:
    which = {"company": "acme", "endpoint": ENDPOINT, "webhook": None}
    order = {"do": name, **which, "rotate": False, "drop_old": False, "author": "ann"}

    async def story(store: Store) -> None:
        handlers = outbox_orders.orders(store.outbox, store.audit, nudge=lambda: None)
        answer = await handlers[name](order)
        assert answer in ({"count": 1}, {"count": None}, {"secrets": list(await store.outbox.secrets(ACME))})

    run(place, story)


@pytest.mark.parametrize(
    ("counts", "state", "said"),
    [
        ({"waiting": 3}, "ok", "3 waiting, 0 dead, 0 kept back"),
        ({"dead": 2}, "doubtful", "2 dead"),
        ({"waiting": 1, "late_ms": 61_000}, "doubtful", "61 s ago"),
    ],
)
def test_doctor_doubts_an_outbox_that_does_not_empty(counts: dict[str, int], state: str, said: str) -> None:
    [finding] = commands.check_outbox(replace(NOTHING, **counts))  # type: ignore[arg-type]  # -- a test may be loose with types
    assert finding.state == state
    assert said in finding.found


def test_doctor_names_disabled_endpoints_with_what_enables_them() -> None:
    disabled = DisabledEndpoint(
        company_id=CompanyId("acme"), endpoint=ENDPOINT, disabled_at=START, why="it answered 410 to msg_1"
    )
    _, finding = commands.check_outbox(replace(NOTHING, disabled_endpoints=(disabled,)))
    assert finding.state == "doubtful"
    assert "410" in finding.found
    assert finding.mend is not None
    assert ENDPOINT in finding.mend
