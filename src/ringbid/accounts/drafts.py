"""What somebody has begun to write in a form of several steps, kept until it is done: by person, company and form.

A draft is nothing but the form's fields. It is in force nowhere, and nobody else sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from ringbid.values.ids import CompanyId

Form = Literal["campaign"]
LONGEST_LETTERS = 60_000  # of all fields together; a longer draft travels with its pages, and is not kept


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose draft of which form."""

    company_id: CompanyId
    user_id: str
    form: Form = "campaign"


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """`fields` by name, as they were last written."""

    fields: Mapping[str, str]
    saved_at: datetime


class Drafts(Protocol):
    """The drafts of one installation. Raises StoreOverloaded and StoreUnavailable."""

    async def read(self, whose: Whose) -> KeptDraft | None:
        """The draft; None where there is none."""
        ...

    async def keep(self, whose: Whose, fields: Mapping[str, str]) -> None:
        """Keep these fields in place of what was kept."""
        ...

    async def forget(self, whose: Whose) -> None:
        """Drop the draft, where there is one."""
        ...
