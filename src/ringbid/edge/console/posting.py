"""Posting instructions: `/campaigns/<id>/posting`, where links are made and revoked, and `/p/<token>`, the page that a
publisher opens with one, without signing in.

The address of a link is told once, when it is made. The page shows the RTB key only where the key was given then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from ringbid.accounts.audit import author_of
from ringbid.accounts.policy import Policy
from ringbid.accounts.posting_links import PostingLink, PostingLinks, open_key, seal_key
from ringbid.accounts.tokens import hash_token, new_id, new_token
from ringbid.catalog.model import Campaign, Catalog, Publisher, RtbKey
from ringbid.catalog.snapshot import key_id_of
from ringbid.edge.api.statuses import status_of
from ringbid.edge.console.campaigns import find_campaign, part_tabs
from ringbid.edge.console.catalog_pages import edition_of, may_change, read_form
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.pages import fragment, page
from ringbid.edge.console.tables import Column
from ringbid.edge.web.forms import public_address
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.ping.reply import error_body
from ringbid.ping.trying import Trial
from ringbid.reports.posting import SAMPLE_CALLER, Ending, Instructions, instructions
from ringbid.reports.posting_markdown import posting_markdown
from ringbid.values.verdict import Refused

_LONGEST_DAYS = 3650
_PARAMETERS = [Column(name) for name in ("Parameter", "Needed", "Type", "Example", "Meaning")]
_LINKS = [
    *(Column(name) for name in ("Publisher", "Key", "Made", "Holds until", "First ping")),
    Column("Revoke"),
]
_ENDINGS = [Column("Code"), Column("HTTP", numeric=True), Column("It means"), Column("What to do")]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A link with what it leads to."""

    link: PostingLink
    catalog: Catalog
    campaign: Campaign
    key: RtbKey
    publisher: Publisher


@get("/campaigns/{campaign:str}/posting", opt={"policy": Policy.READ})
async def list_links(request: WebRequest, campaign: FromPath[str]) -> Template:
    return await _links_page(request, campaign)


@post("/campaigns/{campaign:str}/posting", opt={"policy": Policy.MANAGE}, status_code=200)
async def make_link(request: WebRequest, campaign: FromPath[str]) -> Response[Any]:
    """Make a link for one publisher and key; its address is shown this once."""
    catalog, one = await find_campaign(request, campaign)
    form, office, actor = await read_form(request), office_of(request), actor_of(request)
    key = next((key for key in one.rtb_keys if key.name == form.get("key")), None)
    publisher = next((each for each in catalog.publishers if each.id == form.get("publisher")), None)
    errors: dict[str, str] = {}
    if key is None:
        errors["key"] = "Choose a key of this campaign."
    if publisher is None:
        errors["publisher"] = "Choose a publisher."
    secret = form.get("secret", "").strip()
    if secret and key is not None and key_id_of(secret) != key.id:
        errors |= {"secret": "This is not the secret of that key. Leave it empty, and the page says YOUR_KEY."}
    days = form.get("days", "").strip()
    if days and not (days.isdecimal() and 1 <= int(days) <= _LONGEST_DAYS):
        errors["days"] = f"A whole number of days from 1 to {_LONGEST_DAYS}, or nothing."
    if errors or key is None or publisher is None:
        return await _links_page(request, campaign, errors=errors, sent=form, status=422)
    token, now = new_token(office.random_bytes), office.clock.now()
    link = PostingLink(
        link_id=new_id("p", office.random_bytes),
        company_id=actor.company_id,
        campaign_id=one.id,
        key_name=key.name,
        publisher_id=publisher.id,
        made_by=actor.name,
        created_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        expires_at=now + timedelta(days=int(days)) if days else None,
        sealed_key=seal_key(secret, token.text) if secret else None,
    )
    await _links(request).make(link, token_hash=token.hash, author=author_of(actor))
    made = f"{public_address(request)}/p/{token.text}"
    return await _links_page(request, campaign, made=made, made_for=publisher.name, with_key=bool(secret))


@post("/campaigns/{campaign:str}/posting/revoke", opt={"policy": Policy.MANAGE}, status_code=200)
async def revoke_link(request: WebRequest, campaign: FromPath[str]) -> Response[Any]:
    await find_campaign(request, campaign)
    actor, form = actor_of(request), await read_form(request)
    if not await _links(request).revoke(actor.company_id, form.get("link", ""), author=author_of(actor)):
        raise NotFoundException("There is no such link. It may have been revoked already.")
    back = Redirect(f"/campaigns/{campaign}/posting", status_code=303)
    return tell_next_page(back, "The link is revoked: its page is gone.")


@get("/p/{posting_token:str}", opt={"policy": Policy.PUBLIC})
async def show_instructions(request: WebRequest, posting_token: FromPath[str]) -> Template:
    return await _instructions_page(request, posting_token)


@get("/p/{posting_token:str}/instructions.md", opt={"policy": Policy.PUBLIC}, media_type="text/markdown")
async def download_instructions(request: WebRequest, posting_token: FromPath[str]) -> Response[str]:
    """The page as Markdown, to be kept."""
    opened = await _open(request, posting_token)
    text = posting_markdown(
        _of(request, opened, _secret_of(opened, posting_token)),
        company=opened.catalog.company,
        campaign=opened.campaign,
        publisher=opened.publisher,
        status_of=_ending_status,
    )
    headers = {"Content-Disposition": 'attachment; filename="posting-instructions.md"'}
    return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)


@get("/portal/publisher/posting/{campaign:str}", opt={"policy": Policy.PUBLISHER_PORTAL}, name="own_posting")
async def show_own_instructions(request: WebRequest, campaign: FromPath[str], key: FromQuery[str] = "") -> Template:
    """The same for a publisher's own people, without a link: for the key of this name, or the campaign's first."""
    catalog, one = await find_campaign(request, campaign)
    publisher = next((each for each in catalog.publishers if each.id == actor_of(request).publisher_id), None)
    keys = [each for each in one.rtb_keys if key in ("", each.name)]
    if publisher is None or not keys:
        raise NotFoundException("There is no such campaign that takes your pings.")
    told = instructions(
        catalog,
        one,
        keys[0],
        publisher,
        address=public_address(request),
        secret=None,
        now=office_of(request).clock.now(),
    )
    return _told_page(request, told, catalog=catalog, campaign=one, publisher=publisher)


@get("/p/{posting_token:str}/first", opt={"policy": Policy.PUBLIC})
async def show_first_ping(request: WebRequest, posting_token: FromPath[str]) -> Template:
    """“Waiting for your first ping…”, asked for every few seconds until there is one."""
    opened = await _open(request, posting_token)
    seen = await _links(request).look_for_ping(opened.link)
    zone = opened.catalog.company.time_zone
    return fragment(request, "posting/first.html", token=posting_token, seen=seen, zone=zone)


@post("/p/{posting_token:str}/try", opt={"policy": Policy.PUBLIC}, status_code=200)
async def try_ping(request: WebRequest, posting_token: FromPath[str]) -> Template:
    """A ping as the publisher would send it, that holds no place and leaves nothing behind."""
    opened = await _open(request, posting_token)
    trials = office_of(request).trials
    form = await read_form(request)
    view = office_of(request).catalogs.snapshot.keys.get(opened.key.id)
    if trials is None or view is None:
        raise NotFoundException("This key is not in force yet. Try again in a second.")
    known = {one.name for one in _of(request, opened, None).parameters}
    sent = {name: text for name, text in form.items() if name in known and name != "key" and text.strip()}
    parameters = {**sent, "publisher_id": opened.publisher.id}
    tried = await trials.try_ping(parameters, view, ask_buyers=form.get("ask") == "yes")
    if isinstance(tried, Trial):
        status, body = tried.reply.status, tried.reply.body
    else:
        status, body = status_of(tried.reason), error_body(tried)
    return await _instructions_page(
        request,
        posting_token,
        tried=(status, body.decode()),
        refused=tried if isinstance(tried, Refused) else None,
        sent=form,
    )


async def _links_page(
    request: WebRequest,
    campaign: str,
    *,
    errors: dict[str, str] | None = None,
    sent: dict[str, str] | None = None,
    made: str = "",
    made_for: str = "",
    with_key: bool = False,
    status: int = 200,
) -> Template:
    catalog, one = await find_campaign(request, campaign)
    edition = await edition_of(request)
    return page(
        request,
        "posting/links.html",
        title=f"Posting instructions of {one.name}",
        status=status,
        campaign=one,
        publishers=[(each.id, f"{each.name} ({each.id})") for each in catalog.publishers],
        keys=[(key.name, key.name) for key in one.rtb_keys],
        link_columns=_LINKS,
        links=await _links(request).of_campaign(actor_of(request).company_id, one.id),
        part_tabs=part_tabs(one),
        errors=errors or {},
        sent=sent or {},
        made=made,
        made_for=made_for,
        with_key=with_key,
        version=edition.version,
        may_change=may_change(request),
    )


async def _instructions_page(
    request: WebRequest,
    token: str,
    *,
    tried: tuple[int, str] | None = None,
    refused: Refused | None = None,
    sent: dict[str, str] | None = None,
) -> Template:
    opened = await _open(request, token)
    secret = _secret_of(opened, token)
    told = _of(request, opened, secret)
    return _told_page(
        request,
        told,
        catalog=opened.catalog,
        campaign=opened.campaign,
        publisher=opened.publisher,
        token=token,
        secret=secret,
        seen=await _links(request).look_for_ping(opened.link),
        tried=tried,
        refused=refused,
        sent=sent,
    )


def _told_page(
    request: WebRequest,
    told: Instructions,
    *,
    catalog: Catalog,
    campaign: Campaign,
    publisher: Publisher,
    token: str = "",
    secret: str | None = None,
    seen: datetime | None = None,
    tried: tuple[int, str] | None = None,
    refused: Refused | None = None,
    sent: dict[str, str] | None = None,
) -> Template:
    """Without a link's `token` nothing is waited for, and nothing is tried."""
    return page(
        request,
        "posting/instructions.html",
        title=f"Posting instructions for {publisher.name}",
        token=token,
        campaign=campaign,
        publisher=publisher,
        company=catalog.company,
        told=told,
        parameter_columns=_PARAMETERS,
        ending_columns=_ENDINGS,
        secret=secret,
        sample_caller=SAMPLE_CALLER,
        status_of=_ending_status,
        seen=seen,
        zone=catalog.company.time_zone,
        tried=tried,
        refused=refused,
        sent=sent or {},
    )


def _secret_of(opened: _Opened, token: str) -> str | None:
    """The key, where it went with the link and is still the one of its name."""
    sealed = opened.link.sealed_key
    secret = open_key(sealed, token) if sealed is not None else None
    return secret if secret is not None and key_id_of(secret) == opened.key.id else None


def _ending_status(ending: Ending) -> int:
    return 200 if ending.answered else status_of(ending.reason)


def _of(request: WebRequest, opened: _Opened, secret: str | None) -> Instructions:
    return instructions(
        opened.catalog,
        opened.campaign,
        opened.key,
        opened.publisher,
        address=public_address(request),
        secret=secret,
        now=office_of(request).clock.now(),
    )


async def _open(request: WebRequest, token: str) -> _Opened:
    """What the link leads to. Raises NotFoundException, the same for whatever is not there any more."""
    link = await _links(request).find(hash_token(token))
    edition = await office_of(request).editor.read(link.company_id) if link is not None else None
    if link is not None and edition is not None:
        catalog = edition.catalog
        campaign = next((one for one in catalog.campaigns if one.id == link.campaign_id), None)
        publisher = next((one for one in catalog.publishers if one.id == link.publisher_id), None)
        key = next((one for one in campaign.rtb_keys if one.name == link.key_name), None) if campaign else None
        if campaign is not None and publisher is not None and key is not None:
            return _Opened(link, catalog, campaign, key, publisher)
    raise NotFoundException("This link leads nowhere any more. Ask whoever gave it to you for a new one.")


def _links(request: WebRequest) -> PostingLinks:
    links = office_of(request).posting_links
    assert links is not None, "a server has a store"
    return links


HANDLERS = [
    list_links, make_link, revoke_link, show_instructions, download_instructions, show_own_instructions,
    show_first_ping, try_ping,
]  # fmt: skip
