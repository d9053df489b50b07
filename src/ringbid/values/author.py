"""Who changes something, as the audit log and the catalog's versions name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Via = Literal["session", "key", "terminal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who changes something: `name` is what people read. `user_id` is None for who works at the terminal."""

    name: str
    user_id: str | None = None
    via: Via = "terminal"
