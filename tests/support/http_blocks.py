"""The `http` blocks of a page of docs: requests and the answers that the page promises, for tests that run them."""

from __future__ import annotations

import re
from dataclasses import dataclass

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_BLOCK = re.compile(r"^```http\n(.*?)^```|^<!-- (then .*?) -->", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Message:
    """One block: a request, or an answer."""

    first_line: str
    headers: dict[str, str]
    body: str

    @property
    def request(self) -> tuple[str, str, str]:
        """Method, path and query."""
        method, target, _ = self.first_line.split(" ", 2)
        path, _, query = target.partition("?")
        return method, path, query

    @property
    def status(self) -> int:
        return int(self.first_line.split(" ")[1])


def read_blocks(page: str) -> list[Message | str]:
    """The blocks in order, and between them what happens then, in the words of the page's comment."""
    return [_read(block) if block else then for block, then in _BLOCK.findall(page)]


def read_messages(page: str) -> list[Message]:
    """The blocks of a page in which nothing happens in between."""
    return [one for one in read_blocks(page) if isinstance(one, Message)]


def _read(block: str) -> Message:
    head, _, body = block.partition("\n\n")
    first_line, *lines = head.strip().split("\n")
    return Message(first_line, dict(line.split(": ", 1) for line in lines), body.strip())
