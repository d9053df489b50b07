"""Tables whose rows are all at hand: the catalog's lists, users, API keys, disputes, and the audit log beside them.
Each is filtered, sorted, paged by its address, and leaves as CSV and XLSX without a formula in it."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from ringbid.accounts.audit import AuditEntry, Author
from support.accounts import ACME, ANALYST
from support.accounts_desk import AccountsDesk, accounts_desk
from support.asgi import Response
from support.catalog_desk import CatalogDesk, catalog_desk
from support.stores import StorePlace

LISTS = (
    "/campaigns",
    "/publishers",
    "/buyers",
    "/numbers",
    "/settings/tags",
    "/disputes",
    "/campaigns/auto-insurance/conversions",
    "/campaigns/auto-insurance/numbers",
    "/campaigns/auto-insurance/keys",
    "/campaigns/auto-insurance/access",
    "/campaigns/auto-insurance/webhooks",
)


def tell(folder: Path, story: Callable[[CatalogDesk], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with catalog_desk(folder) as desk:
            await story(desk)

    asyncio.run(happen())


def run(place: StorePlace, story: Callable[[AccountsDesk], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with accounts_desk(place) as desk:
            await story(desk)

    asyncio.run(happen())


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def names_in(page: Response) -> list[str]:
    """What stands in the first column."""
    return re.findall(r'<th scope="row"><a[^>]*>([^<]*)</a>', page.body.decode())


def test_every_list_of_the_catalog_leaves_as_csv_and_as_a_workbook(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        for path in LISTS:
            shown, told = await desk.get(path), await desk.get(f"{path}.csv")
            book = await desk.get(f"{path}.xlsx")
            assert (shown.status, told.status, book.status) == (200, 200, 200), path
            header, *rows = rows_of(told.body)
            assert all(header), path
            assert len(rows) == len(names_in(shown)), path
            with ZipFile(io.BytesIO(book.body)) as parts:
                assert parts.read("xl/worksheets/sheet1.xml").count(b"<row ") == len(rows) + 1, path

    tell(tmp_path, story)


def test_a_table_is_sorted_both_ways_by_each_of_its_columns(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        up, down = await desk.get("/publishers?sort=name"), await desk.get("/publishers?sort=-name")
        assert names_in(up) == names_in(down)[::-1] != []
        assert b'aria-sort="ascending"' in up.body
        numbers = [row[0] for row in rows_of((await desk.get("/numbers.csv?sort=-number")).body)[1:]]
        assert numbers == sorted(numbers, reverse=True)
        assert names_in(await desk.get("/publishers?sort=moon")) == names_in(await desk.get("/publishers"))

    tell(tmp_path, story)


def test_a_table_is_filtered_by_a_text_and_its_files_and_links_keep_the_filter(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        page = await desk.get("/buyers?q=CHARLIE&sort=buyer")
        assert names_in(page) == ["Charlie Bids"]
        assert b'href="/buyers.csv?q=CHARLIE&amp;sort=buyer"' in page.body
        assert len(rows_of((await desk.get("/buyers.csv?q=CHARLIE")).body)) == 2
        assert b"Nothing fits" in (await desk.get("/buyers?q=nobody")).body
        hostile = await desk.get("/buyers?q=%22%3E%3Cscript%3Ex")
        assert b"<script>x" not in hostile.body

    tell(tmp_path, story)


def test_a_table_is_shown_a_page_at_a_time(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        edition = await desk.office.editor.read(ACME)
        assert edition is not None
        many = "publishers:\n" + "".join(f"  - {{id: P{one:03}, name: Name {one}}}\n" for one in range(60))
        text = f"company: {{id: acme, name: Acme, time_zone: UTC, currency: USD}}\n{many}"
        await desk.office.editor.rewrite(Author(name="test"), ACME, edition.version, text)
        first = await desk.get("/publishers?size=25")
        assert names_in(first) == [f"P{one:03}" for one in range(25)]
        assert b'href="/publishers?size=25&amp;cursor=25" rel="next"' in first.body
        last = await desk.get("/publishers?size=25&cursor=50")
        assert names_in(last) == [f"P{one:03}" for one in range(50, 60)]
        assert b'rel="next"' not in last.body
        assert len(rows_of((await desk.get("/publishers.csv?size=25")).body)) == 61

    tell(tmp_path, story)


def test_the_same_rows_are_asked_for_over_the_api(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        for path in LISTS:
            found = re.search(rb"https?://[^/]+(/api/v1/[^&\s<]*)", (await desk.get(path)).body)
            if not path.endswith(("/disputes", "/access")):  # of these there are none
                assert found is not None, path
                assert (await desk.get(found[1].decode())).status == 200, path

    tell(tmp_path, story)


def test_a_rule_is_moved_only_where_all_stand_in_their_own_order(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        path = "/campaigns/auto-insurance/conversions"
        assert b'value="move 1"' in (await desk.get(path)).body
        assert b'value="move ' not in (await desk.get(f"{path}?sort=-rule")).body
        assert b'value="move ' not in (await desk.get(f"{path}?q=a")).body

    tell(tmp_path, story)


@pytest.mark.parametrize("opening", ["=", "+", "-", "@", "\uff1d", "\t="])
def test_no_name_becomes_a_formula(opening: str, sqlite_place: StorePlace) -> None:
    text = f"{opening}HYPERLINK(0)"

    async def story(desk: AccountsDesk) -> None:
        owner = await desk.signed_in()
        await desk.store.audit.record([AuditEntry(company_id=ACME, author=Author(name=text), path=text, after=text)])
        await owner.post("/settings/keys", name=text.strip(), scope=["read"], days="30")
        [told] = [row for row in rows_of((await owner.get("/audit.csv")).content) if text in row[1]]
        [key] = rows_of((await owner.get("/settings/keys.csv")).content)[1:]
        assert (told[1], told[3], told[5]) == (f"'{text}", f"'{text}", f"'{text}")
        assert key[0] == f"'{text.strip()}"
        book = (await owner.get("/audit.xlsx")).content
        with ZipFile(io.BytesIO(book)) as parts:
            assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")

    run(sqlite_place, story)


def test_users_and_keys_are_the_owner_s_alone_as_files_too(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        owner, ann = await desk.signed_in(), await desk.signed_in("ann", ANALYST)
        header, *users = rows_of((await owner.get("/settings/users.csv?sort=-name")).content)
        assert header == ["Name", "E-mail address", "Role", "One-time codes", "Last seen"]
        assert [row[1] for row in users] == ["olga@acme.example", "ann@acme.example"]
        for path in ("/settings/users.csv", "/settings/keys.xlsx"):
            assert (await ann.get(path)).status_code == 403
        assert (await ann.get("/audit.csv")).status_code == 200

    run(sqlite_place, story)


def test_the_audit_log_is_read_from_either_end_and_leaves_whole(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        author = Author(name="Olga", user_id="u-1", via="session")
        entries = [AuditEntry(company_id=ACME, author=author, path=f"x[{one:04}]", after="y") for one in range(1100)]
        await desk.store.audit.record(entries)
        owner = await desk.signed_in()
        oldest = await owner.get("/audit?path=x&sort=created&size=25")
        assert re.findall(r"<code>(x\[\d+\])", oldest.text) == [f"x[{one:04}]" for one in range(25)]
        following = re.search(r'href="([^"]*cursor=\d+[^"]*)" rel="next"', oldest.text)
        assert following is not None
        second = await owner.get(following[1].replace("&amp;", "&"))
        assert re.findall(r"<code>(x\[\d+\])", second.text)[0] == "x[0025]"
        for sort in ("created", "-created"):
            _, *rows = rows_of((await owner.get(f"/audit.csv?path=x&sort={sort}")).content)
            paths = [row[3] for row in rows]
            assert paths == sorted((entry.path for entry in entries), reverse=sort == "-created")

    run(sqlite_place, story)


def test_the_api_tells_the_audit_log_page_by_page(sqlite_place: StorePlace) -> None:
    async def story(desk: AccountsDesk) -> None:
        author = Author(name="Root", via="terminal")
        await desk.store.audit.record(
            [AuditEntry(company_id=ACME, author=author, path=f"x[{one}]", after="y") for one in range(5)]
        )
        owner = await desk.signed_in()
        answer = (await owner.get("/api/v1/audit?path=x&sort=oldest&limit=3")).json()
        assert [one["path"] for one in answer["data"]] == ["x[0]", "x[1]", "x[2]"]
        assert (answer["data"][0]["via"], answer["data"][0]["name"]) == ("terminal", "Root")
        rest = await owner.get(f"/api/v1/audit?path=x&sort=oldest&limit=3&cursor={answer['next_cursor']}")
        assert [one["path"] for one in rest.json()["data"]] == ["x[3]", "x[4]"]
        assert rest.json()["next_cursor"] is None

    run(sqlite_place, story)
