"""Whether something can fill every [token]: a built-in name, a declared tag, or what an earlier webhook has answered.

Called when the webhooks it needs are read: by `campaign_reading` for webhooks, by `conversion_reading` for prices, and
by `validate` for buyers' numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ringbid.catalog import checks
from ringbid.catalog.fields import Fields
from ringbid.catalog.model import Buyer, Campaign, Webhook, WebhookTrigger
from ringbid.catalog.problems import did_you_mean, some_of
from ringbid.catalog.tokens import BUILT_IN, TRIGGERS, aliases_of, tokens_in
from ringbid.values.ids import BuyerId

# Prices and buyers' numbers are filled when the passthrough webhooks have answered, before any call.
_AFTER_PASSTHROUGH: WebhookTrigger = "call_received"


def check_webhooks(read: list[tuple[Fields, Webhook]], tags: Collection[str]) -> None:
    """Note every token of a campaign's webhooks that nothing can fill."""
    webhooks = [webhook for _, webhook in read]
    for fields, webhook in read:
        buyers = () if webhook.buyer is None else (webhook.buyer,)
        fillable = _fillable(webhook.on, buyers, webhooks, tags)
        aliases = aliases_of(webhook.on)
        for name, inside, text in _templates(webhook):
            for token in tokens_in(text):
                if token not in aliases:
                    check_token(fields, name, token, fillable, inside=inside)


def check_numbers(read: list[tuple[Fields, Buyer]], campaigns: Iterable[Campaign], tags: Collection[str]) -> None:
    """Note every token of a buyer's number that nothing can fill in some campaign that routes calls to the buyer."""
    campaigns = tuple(campaigns)
    for fields, buyer in read:
        tokens = tokens_in(buyer.number)
        if not tokens:
            continue
        routing = [one for one in campaigns if any(routed.buyer == buyer.id for routed in one.routing.buyers)]
        # A buyer that no campaign routes calls to yet: some webhook of the file should know the token.
        known = [one.webhooks for one in routing] or [tuple(hook for one in campaigns for hook in one.webhooks)]
        for webhooks in known:
            fillable = fillable_before_calls((buyer.id,), webhooks, tags)
            unknown = [token for token in tokens if token not in fillable]
            for token in unknown:
                check_token(fields, "number", token, fillable)
            if unknown:
                break  # the same words for the next campaign would help nobody


def fillable_before_calls(buyers: Collection[BuyerId], webhooks: Iterable[Webhook], tags: Collection[str]) -> set[str]:
    """The tokens that are known when prices and numbers are filled in; for any buyer where `buyers` is empty."""
    return _fillable("passthrough", buyers, (), tags) | _outputs(_AFTER_PASSTHROUGH, buyers, webhooks)


def check_token(fields: Fields, name: str, token: str, fillable: Collection[str], *, inside: str = "") -> None:
    """Note a token that is not among the `fillable`."""
    if token in fillable:
        return
    allowed = f"a declared tag, an output of an earlier webhook, or built in: {some_of(sorted(fillable), most=60)}"
    found = f"the unknown token [{token}]"
    fields.refuse_as(name, found=found, allowed=allowed + did_you_mean(token, fillable), inside=inside)


def _fillable(
    trigger: WebhookTrigger, buyers: Collection[BuyerId], webhooks: Iterable[Webhook], tags: Collection[str]
) -> set[str]:
    return {*BUILT_IN[trigger], *tags, *_outputs(trigger, buyers, webhooks)}


def _outputs(trigger: WebhookTrigger, buyers: Collection[BuyerId], webhooks: Iterable[Webhook]) -> set[str]:
    """What webhooks that fire before `trigger` have answered. An answer about one buyer fills nothing for another."""
    earlier = TRIGGERS[: TRIGGERS.index(trigger)]
    return {
        tag
        for webhook in webhooks
        if webhook.on in earlier and (webhook.buyer is None or not buyers or webhook.buyer in buyers)
        for tag, _ in webhook.outputs
    }


def _templates(webhook: Webhook) -> Iterator[tuple[str, str, str]]:
    """Every template of a webhook: its field, what its path goes on with, and its text."""
    yield "url", "", checks.behind_host(webhook.url)
    for name, value in webhook.headers:
        yield "headers", f".{name}", value
    for inside, text in _texts(webhook.body):
        yield "body", inside, text


def _texts(body: object, inside: str = "") -> Iterator[tuple[str, str]]:
    """The texts of a body, with where they stand; names in it are no templates."""
    if isinstance(body, str):
        yield inside, body
    elif isinstance(body, dict):
        for name, value in body.items():
            yield from _texts(value, f"{inside}.{name}")
    elif isinstance(body, list):
        for index, value in enumerate(body):
            yield from _texts(value, f"{inside}[{index}]")
