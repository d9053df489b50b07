"""Changing a catalog in a few places: what is asked for and nothing else, by the rules of the file."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ringbid.catalog.document import export_yaml, short_fields
from ringbid.catalog.editing import Add, Edit, Edited, Move, Remove, Set, edit_catalog, read_part, rewrite, text_at
from ringbid.catalog.file_fields import catalog_fields
from ringbid.catalog.model import Catalog, RateLimit
from ringbid.catalog.paths import follow, identity
from ringbid.catalog.plan import plan
from ringbid.catalog.problems import Problem
from ringbid.catalog.snapshot import key_id_of
from ringbid.catalog.validate import read_stored
from ringbid.values.ids import CompanyId
from support.any_catalog import catalogs
from support.catalogs import ACME, make_campaign, make_catalog, make_rule, make_webhook


def edited(*edits: Edit, catalog: Catalog = ACME) -> Edited:
    found = edit_catalog(catalog, edits)
    assert isinstance(found, Edited), "\n".join(map(str, found))
    return found


def problems(*edits: Edit, catalog: Catalog = ACME) -> list[str]:
    found = edit_catalog(catalog, edits)
    assert not isinstance(found, Edited)
    return [str(problem) for problem in found]


def changes(*edits: Edit, catalog: Catalog = ACME) -> list[tuple[str, str | None, str | None]]:
    return [(change.path, change.before, change.after) for change in edited(*edits, catalog=catalog).changes]


def test_a_field_is_set_and_nothing_else_changes() -> None:
    assert changes(Set("buyers[alpha].caps.concurrency", 3)) == [("buyers[alpha].caps.concurrency", "2", "3")]


def test_a_field_that_is_set_to_nothing_goes_back_to_its_default() -> None:
    assert changes(Set("buyers[alpha].ring_seconds", None)) == [("buyers[alpha].ring_seconds", "20", "30")]


def test_a_mapping_that_the_document_left_out_is_made() -> None:
    assert changes(Set("buyers[delta].caps.daily", 7)) == [("buyers[delta].caps.daily", "null", "7")]
    key = (
        edited(Set("campaigns[auto-insurance].rtb_keys[Default].rate_limit", {"pings": 5, "per_seconds": 1}))
        .catalog.campaigns[0]
        .rtb_keys[0]
    )
    assert key.rate_limit == RateLimit(pings=5, per_seconds=1)


def test_a_wrong_value_is_a_problem_with_the_field_that_has_it() -> None:
    found = problems(Set("buyers[alpha].caps.concurrency", -1), Set("buyers[alpha].holidays", "Mars"))
    assert [problem.split(":")[0] for problem in found] == ["buyers[alpha].caps.concurrency", "buyers[alpha].holidays"]


def test_a_place_that_is_not_there_is_a_problem() -> None:
    [found] = problems(Set("buyers[nobody].paused", True))
    assert found.startswith("buyers[nobody].paused: found nothing of this name; allowed: what the catalog has")
    assert "an unknown field" in problems(Set("buyers[alpha].pausd", True))[0]


def test_a_thing_is_added_with_a_key_that_is_made_for_it() -> None:
    found = edited(Add("campaigns[auto-insurance].rtb_keys", {"name": "Second", "ttl_seconds": 20}))
    [made] = found.new_keys
    assert (made.name, made.kind) == ("Second", "rtb_keys")
    assert found.catalog.campaigns[0].rtb_keys[1].id == key_id_of(made.secret)
    assert made.secret not in found.document


def test_a_list_that_the_document_left_out_is_begun() -> None:
    assert changes(Add("campaigns[auto-insurance].access_keys", {"allows": "convert", "key_sha256": "ab" * 32})) == [
        (
            "campaigns[auto-insurance].access_keys[Default]",
            None,
            "name: Default, key_sha256: abababababab, allows: convert, keep_seconds: 86400, until_seconds: 86400",
        )
    ]


def test_a_thing_is_removed() -> None:
    [change] = edited(Remove("publishers[PUB-FREE]")).changes
    assert (change.kind, change.path) == ("removed", "publishers[PUB-FREE]")


def test_what_others_still_name_is_not_removed() -> None:
    [first, *_] = problems(Remove("buyers[bravo]"))
    assert first.startswith('campaigns[auto-insurance].routing.buyers[bravo].buyer: found "bravo"')


def test_a_rule_is_moved_before_the_others() -> None:
    rules = edited(Move("campaigns[auto-insurance].conversions[alpha and delta]", 0)).catalog.campaigns[0].conversions
    assert [rule.name for rule in rules][:2] == ["alpha and delta", "charlie pays what it bids"]


def test_several_edits_are_one_change() -> None:
    found = changes(
        Add("buyers", {"id": "echo", "name": "Echo", "number": "+12025550105"}),
        Add("campaigns[auto-insurance].routing.buyers", {"buyer": "echo", "priority": 2}),
    )
    assert [path for path, _, _ in found] == [
        "buyers[echo]",
        "campaigns[auto-insurance].routing.buyers[echo]",
    ]


def test_keys_keep_their_secret_when_their_fields_are_written_anew() -> None:
    path = "campaigns[auto-insurance].rtb_keys[Default]"
    part = read_part("{name: Default, ttl_seconds: 33}", path)
    assert isinstance(part, Set)
    found = edited(part)
    assert found.new_keys == ()
    assert found.catalog.campaigns[0].rtb_keys[0].id == ACME.campaigns[0].rtb_keys[0].id


def test_a_company_keeps_its_id() -> None:
    assert problems(Set("company.id", "other")) == ['company.id: found "other"; allowed: acme: a company keeps its id']


@pytest.mark.parametrize("name", ["pays 80% [bid]", "a.b", "x] y", "on", "1", "a].payout", "é" * 70])
def test_a_rule_of_any_name_is_found(name: str) -> None:
    rules = (make_rule("a"), make_rule(name))
    catalog = make_catalog(campaigns=(make_campaign(conversions=rules),))
    [change] = edited(Set(f"campaigns[auto].conversions[{name}].payout", Decimal("0.5")), catalog=catalog).changes
    assert change.path == f"campaigns[auto].conversions[{name}].payout"


def test_a_name_with_dots_is_found_in_a_free_mapping() -> None:
    hook = make_webhook(outputs=(("a.b", "bid.amount"), ("a", "x")))
    catalog = make_catalog(campaigns=(make_campaign(webhooks=(hook,)),))
    [change] = edited(Set("campaigns[auto].webhooks[bid].outputs.a.b", "bid.other"), catalog=catalog).changes
    assert (change.path, change.after) == ("campaigns[auto].webhooks[bid].outputs.a.b", "bid.other")


def test_a_part_is_shown_and_read_as_yaml() -> None:
    path = "buyers[bravo]"
    text = text_at(ACME, path)
    assert text is not None
    assert text.startswith("id: bravo\nname: Bravo Health\n")
    part = read_part(text, path)
    assert isinstance(part, Set)
    assert edited(part).changes == ()
    assert text_at(ACME, "buyers[zulu]") is None
    assert text_at(ACME, "buyers[delta].caps") == ""


def test_a_part_that_is_no_yaml_tells_its_line() -> None:
    found = read_part("id: bravo\nname: {", "buyers[bravo]")
    assert not isinstance(found, Set)
    assert [(problem.path, problem.line) for problem in found] == [("buyers[bravo]", 3)]


def test_a_part_cannot_leave_its_place() -> None:
    found = read_part("id: x\ncompany:\n  id: evil", "buyers[bravo]")
    assert isinstance(found, Set)
    assert problems(found)[0].startswith("buyers[x]")


def test_a_whole_text_names_its_company() -> None:
    found = rewrite(None, "company: {id: beta}", CompanyId("acme"))
    assert found == (Problem("company.id", '"beta"', "acme: a company keeps its id"),)


def all_paths(fields: dict[str, object], path: str = "", name: str = "") -> list[tuple[str, object]]:
    """Every place of a tree that a path names, with what stands there."""
    found: list[tuple[str, object]] = []
    for inner, value in fields.items():
        at = f"{path}.{inner}" if path else inner
        found.append((at, value))
        if isinstance(value, dict):
            found += all_paths(value, at, inner)
        elif isinstance(value, list):
            for index, thing in enumerate(value):
                of_thing = f"{at}[{identity(inner, thing, index)}]"
                found.append((of_thing, thing))
                if isinstance(thing, dict):
                    found += all_paths(thing, of_thing, inner)
    return found


_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 100),
    st.text(max_size=8),
    st.sampled_from(["sip:a@b.example", "US", "bid"]),
)


@settings(max_examples=60, phases=[Phase.generate])  # shrinking a catalog takes minutes
@given(st.data())
def test_any_edit_gives_what_was_asked_or_problems(data: st.DataObject) -> None:
    catalog = data.draw(catalogs())
    paths = all_paths(short_fields(catalog))
    path, old = data.draw(st.sampled_from(paths))
    kinds = [
        st.builds(Set, st.just(path), _values | st.sampled_from([value for _, value in paths])),
        st.builds(Remove, st.just(path)),
    ]
    if isinstance(old, list):
        kinds.append(st.builds(Add, st.just(path), _values | st.sampled_from([value for _, value in paths])))
    edit = data.draw(st.one_of(kinds))
    found = edit_catalog(catalog, [edit])
    if not isinstance(found, Edited):
        assert found, "nothing was done, and nothing is said to be wrong"
        return
    assert read_stored(found.document) == found.catalog
    assert export_yaml(found.catalog) == found.document
    assert found.changes == plan(catalog, found.catalog)
    list_path = path.rpartition("[")[0]
    for change in found.changes:
        inside = change.path.startswith((path, list_path)) if list_path else change.path.startswith(path)
        # Buyers' clocks follow the company's zone, and filters' values are of the type that their tag is declared with.
        assert inside or path.startswith(("company", "tags")), (edit, change)


@settings(max_examples=40)
@given(catalogs())
def test_every_place_of_a_catalog_is_found_by_its_path(catalog: Catalog) -> None:
    tree = short_fields(catalog)
    for path, value in all_paths(tree):
        step = follow(tree, path)
        assert step is not None, path
        assert step.value == value, path
    assert tree == short_fields(catalog), "looking changes nothing"
    assert catalog_fields(catalog)
