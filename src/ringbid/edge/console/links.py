"""Addresses that keep what is chosen: a table's filters, order and page size live in its address and nowhere else."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


def with_query(url: str, **changes: object) -> str:
    """`url` with parameters changed, in place where they stood; None takes one away. Lists stand several times."""
    parts = urlsplit(url)
    kept = parse_qsl(parts.query, keep_blank_values=True)
    query: list[tuple[str, str]] = []
    placed: set[str] = set()
    for name, value in kept:
        if name not in changes:
            query.append((name, value))
        elif name not in placed:
            placed.add(name)
            query += [(name, text) for text in _texts(changes[name])]
    for name, change in changes.items():
        if name not in placed:
            query += [(name, text) for text in _texts(change)]
    return urlunsplit(parts._replace(query=urlencode(query)))


def sorted_by(url: str, key: str, sort: str) -> str:
    """The address of a table sorted by `key`: from the highest down first, then the other way. `sort` is how it is
    sorted now: `payout` upwards, `-payout` downwards. It starts at the first page again."""
    return with_query(url, sort=key if sort == f"-{key}" else f"-{key}", cursor=None)


def aria_sort(key: str, sort: str) -> str | None:
    """What a column's header says about the order of its table."""
    return {key: "ascending", f"-{key}": "descending"}.get(sort)


def local_path(text: str, *, otherwise: str = "/") -> str:
    """`text` where it is a path of this server, to be led to after something was done; `otherwise` where it leads to
    another host."""
    parts = urlsplit(text)
    is_local = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return text if is_local and "\\" not in text and text.isprintable() else otherwise


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
