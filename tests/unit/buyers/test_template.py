"""[token] replacement: one pass, escaped for its place, and never more than replacement."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbid.buyers.template import Place, compile_template

NASTY = [
    "a\r\nX: 1",
    "\n",
    "\0",
    "&key=stolen",
    "#",
    "../../admin",
    "%2e%2e",
    " ",
    "ключ",
    '"',
    "\\",
    "<b>",
    "'",
    "+",
    "=",
]
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(NASTY)


def fill(text: str, place: Place = "text", **values: str | tuple[str, ...]) -> str:
    return compile_template(text, place).fill(values)


def test_each_token_is_replaced_by_its_value_and_the_rest_stays() -> None:
    assert fill("sip:[user]@[host]:5060", user="sales", host="example.org") == "sip:sales@example.org:5060"


def test_a_token_without_a_value_becomes_nothing() -> None:
    assert fill("a[missing]b[empty]c", empty="") == "abc"


def test_a_tag_of_several_values_is_joined_by_commas() -> None:
    assert fill("[geo]", geo=("us", "us-ca")) == "us,us-ca"


def test_the_tokens_of_a_template_are_known() -> None:
    assert compile_template("[a]/[b]?[a]", "text").tokens == {"a", "b"}


@pytest.mark.parametrize(
    "text", ["{{7*7}}", "${x}", "%(x)s", "{x}", "[]", "[a b]", "[x", "x]", "[é]", "[" + "x" * 65 + "]"]
)
def test_what_is_no_token_stays_as_it_is(text: str) -> None:
    assert fill(text, x="no", a="no") == text


def test_a_value_is_never_looked_at_again() -> None:
    assert fill("[a]", a="[b]", b="no") == "[b]"
    assert fill("[[a]]", a="b", b="no") == "[b]"


def test_in_a_url_only_unreserved_characters_stay() -> None:
    filled = fill("https://h.test/p?v=[v]", "url", v="a&key=1#/../ é~.-_")
    assert filled == "https://h.test/p?v=a%26key%3D1%23%2F..%2F%20%C3%A9~.-_"


def test_a_url_s_own_text_is_made_ascii() -> None:
    assert fill("https://h.test/a b/é?x=[v]%20", "url", v="1") == "https://h.test/a%20b/%C3%A9?x=1%20"


def test_no_value_fills_the_host_of_a_url() -> None:
    assert fill("https://[host].test/", "url", host="evil") == "https://[host].test/"
    assert fill("http://[::1]:80/[::1]", "url", **{"::1": "v"}) == "http://[::1]:80/v"


@given(texts)
def test_a_query_value_comes_back_as_it_was_and_adds_no_parameter(value: str) -> None:
    query = urlsplit(fill("http://h.test/x?a=1&v=[v]&z=2", "url", v=value)).query
    assert parse_qsl(query, keep_blank_values=True) == [("a", "1"), ("v", value), ("z", "2")]


@given(texts)
def test_a_form_value_comes_back_as_it_was_and_adds_no_parameter(value: str) -> None:
    assert parse_qsl(fill("a=1&v=[v]", "form", v=value), keep_blank_values=True) == [("a", "1"), ("v", value)]


@given(texts)
def test_a_value_inside_a_json_string_comes_back_as_it_was(value: str) -> None:
    assert json.loads(fill('{"v": "[v]", "z": 1}', "json", v=value)) == {"v": value, "z": 1}


@given(texts)
def test_a_value_in_xml_adds_no_element_and_no_attribute(value: str) -> None:
    root = ET.fromstring(fill('<a v="[v]"><b>[v]</b></a>', "xml", v=value))
    assert list(root.attrib) == ["v"]
    assert [child.tag for child in root] == ["b"]
    assert len(root[0]) == 0
    if value.isprintable():
        assert root.attrib["v"] == (root[0].text or "") == value
