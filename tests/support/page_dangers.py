"""What must not be on a page: elements that came with somebody's text, scripts of others, addresses that run code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_ADDRESSES = {"href", "src", "action", "formaction", "poster", "data", "xlink:href"}
_OUR_SCRIPTS = ("/static/", "/api/v1/reference/")
_ALLOWED = ("/", "#", "?", "https://", "data:image/")


@dataclass
class Form:
    """What a form would send, and where. `action` may be empty: to its own page."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """A page's elements and its text, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.forms: list[Form] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag == "form":
            action = attributes.get("action") or attributes.get("hx-post", "")
            self.forms.append(Form(attributes.get("method", "get").lower(), action))
        elif tag in ("input", "select", "textarea") and attributes.get("name") and self.forms:
            self.forms[-1].fields[attributes["name"]] = attributes.get("value", "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    @property
    def shape(self) -> list[tuple[str, list[str]]]:
        """Its elements in order, each with the names of its attributes: what a value must not change."""
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]

    @property
    def links(self) -> list[str]:
        """The pages of ours that it leads to."""
        return [at["href"] for tag, at in self.elements if tag == "a" and at.get("href", "").startswith("/")]

    def dangers(self) -> Iterator[str]:
        """A line for each."""
        for tag, attributes in self.elements:
            if tag == "script" and not attributes.get("src", "").startswith(_OUR_SCRIPTS):
                yield f"a script that is not ours: {attributes}"
            for name, value in attributes.items():
                if name == "data-owned" or name.startswith(("on", "hx-on")):
                    yield f"{tag} has {name}={value!r}"
                address = value.strip().lower()
                if name in _ADDRESSES and address and (not address.startswith(_ALLOWED) or address.startswith("//")):
                    yield f"{tag} leads to {value!r}"
