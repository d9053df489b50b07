"""What a table's columns say of themselves; `templates/macros/table.html` draws them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is what `sort` in the address says for it; empty: the table cannot be sorted by it. `hidden_label`: only
    screen readers hear the label, as for a column of buttons."""

    label: str
    key: str = ""
    numeric: bool = False
    hint: str = ""
    hidden_label: bool = False
