"""What has been read of a file and may be referred to further down: tags, publishers and buyers.

Made by `validate`; passed to every `*_reading` module below the company.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringbid.catalog.model import TagDeclaration
from ringbid.values.ids import BuyerId, PublisherId


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The declared tags and the ids that the file defines, in its order."""

    tags: Mapping[str, TagDeclaration]
    publishers: tuple[PublisherId, ...]
    buyers: tuple[BuyerId, ...]
