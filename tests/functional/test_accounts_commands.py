"""The commands of accounts, as a user types them: on a store of their own, and beside a running server."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringbid.cli import app
from ringbid.settings import Settings
from ringbid.store.opening import Store, open_store
from ringbid.values.clock import SystemClock
from support.server import running_server

ACME = Path(__file__).parents[2] / "examples" / "acme.yaml"
LINK = re.compile(r"http://\S+/claim/[\w-]{43}")
PASSWORD = "river lamp quiet moss\n"


def run(*arguments: object, code: int = 0, stdin: str | None = None) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, env={"COLUMNS": "100"})
    assert done.exit_code == code, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


def owners(data: Path) -> dict[str, list[str]]:
    """The companies of each owner, by address."""

    async def read() -> dict[str, list[str]]:
        store: Store = await open_store(Settings(data=data), SystemClock())
        try:
            return {
                user.email: [one.company_id for one in await store.accounts.memberships(user.user_id)]
                for user in await store.accounts.owners()
            }
        finally:
            await store.close()

    return asyncio.run(read())


def test_a_link_claims_what_is_nobodys_and_then_signs_the_owner_in(tmp_path: Path) -> None:
    run("apply", ACME, "--data", tmp_path)
    assert "makes its owner of whoever opens it, once, within 30 minutes" in run("link", "--data", tmp_path)
    run("admin", "create", "--email", "Olga@acme.example", "--data", tmp_path, stdin=PASSWORD)
    printed = run("link", "--data", tmp_path)
    assert "signs in as olga@acme.example" in printed
    assert LINK.search(printed)


def test_an_owner_made_headless_owns_every_company_and_those_that_come(tmp_path: Path) -> None:
    run("apply", ACME, "--data", tmp_path)
    run("admin", "create", "--email", "olga@acme.example", "--data", tmp_path, stdin=PASSWORD)
    second = "company: {id: second, name: Second}\n"
    run("apply", "-", "--data", tmp_path, stdin=second)
    assert owners(tmp_path) == {"olga@acme.example": ["acme", "second"]}


def test_an_owner_can_come_with_the_first_company(tmp_path: Path) -> None:
    run("admin", "create", "--email", "o@x.example", "--company", "Leads Inc", "--data", tmp_path, stdin=PASSWORD)
    assert owners(tmp_path) == {"o@x.example": ["leads-inc"]}
    assert "name: Leads Inc" in run("export", "--data", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("--email", "nobody"), PASSWORD, "nobody is no e-mail address"),
        (("--email", "o@x.example"), "too short\n", "Take at least 15, or 4 different words"),
        (("--email", "o@x.example", "--company", "X", "--time-zone", "Mars"), PASSWORD, "company.time_zone"),
    ],
)
def test_what_is_wrong_is_told_and_nobody_is_made(
    tmp_path: Path, arguments: tuple[str, ...], stdin: str, said: str
) -> None:
    assert said in run("admin", "create", *arguments, "--data", tmp_path, stdin=stdin, code=1)
    assert owners(tmp_path) == {}


def test_an_address_has_one_account(tmp_path: Path) -> None:
    for code, said in ((0, "can sign in"), (1, "has an account already")):
        command = ("admin", "create", "--email", "o@x.example", "--company", "X", "--data", tmp_path)
        assert said in run(*command, stdin=PASSWORD, code=code)


def test_with_several_owners_a_link_needs_to_know_for_whom(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run("admin", "create", "--email", f"{name}@x.example", "--company", "X", "--data", tmp_path, stdin=PASSWORD)
    assert "Owners are: a@x.example, b@x.example." in run("link", "--data", tmp_path, code=1)
    assert "signs in as b@x.example" in run("link", "--email", "b@x.example", "--data", tmp_path)
    assert "there is no account c@x.example" in run("link", "--email", "c@x.example", "--data", tmp_path, code=1)


def test_a_server_prints_its_claim_link_and_hands_out_new_ones_with_its_own_address(tmp_path: Path) -> None:
    with running_server(ACME, data=tmp_path) as server:
        printed = LINK.search(run("link", "--data", tmp_path))
        assert printed is not None
        assert printed[0].startswith(server.base_url)
        log = server.log
    assert "Nobody owns this installation yet" in log
    assert LINK.search(log)
