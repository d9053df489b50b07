"""The rules that ruff and mypy cannot hold: each takes one source file and returns what breaks the rule, a line each.

`test_code_rules.py` runs them over the project, and each of them over a planted violation.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70

_MONEY = re.compile(r"(?:^|_)(?:micros|payout|revenue|amount|price|balance|margin|earning|share|entry|entrie)s?(?:_|$)")
_MONEY_ONLY = re.compile(r"src/ringbid/(?:ledger/|store/ledger|values/money\.py|reports/statements\.py)")
_SQL = re.compile(
    r"\s*(?:select\s.*\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|pragma\s+\w|begin\s+immediate"
    r"|(?:create|alter|drop)\s+(?:unique\s+)?(?:table|index)\s)",
    re.IGNORECASE | re.DOTALL,
)
_DATABASES = {"sqlalchemy", "alembic", "sqlite3", "psycopg"}
_NETWORKS = {"socket", "ssl", "socketserver", "http.client", "http.server", "urllib.request"}
_NETWORKS |= {"httptools", "uvicorn", "aiohttp"}
_CONNECTS = {"open_connection", "open_unix_connection", "start_server", "start_unix_server", "getaddrinfo"}
_CONNECTS |= {"create_connection", "create_unix_connection", "create_server", "create_unix_server"}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NOQA = re.compile(r"#\s*(?:noqa|type:\s*ignore)\b", re.IGNORECASE)
_EXPLAINED_NOQA = re.compile(r"#\s*(?:noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|type:\s*ignore\[[\w,\s-]+\]).*--\s+\w.*\w")
_LEFT_OPEN = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")


@dataclass(frozen=True)
class Source:
    """One file: `path` is relative to the project, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def within(self, folder: str) -> bool:
        return self.path.startswith(f"src/ringbid/{folder}")


def read_sources(*folders: str) -> list[Source]:
    """Every Python file below these folders of the project. Finding none is a mistake in the test that asks."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert paths, f"no source files below {folders}"
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def assert_none(found: list[str]) -> None:
    """Fail with everything that was found, a line each (a plain comparison would show the first only)."""
    assert not found, "\n" + "\n".join(found)


def find_long_file(source: Source) -> list[str]:
    count = len(source.text.splitlines())
    return [f"{source.path}: {count} lines, at most {MAX_FILE_LINES}"] if count > MAX_FILE_LINES else []


def find_long_functions(source: Source) -> list[str]:
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > MAX_FUNCTION_LINES:
                found.append(f"{_at(source, node)}: {node.name} has {count} lines, at most {MAX_FUNCTION_LINES}")
    return found


def find_missing_docstring(source: Source) -> list[str]:
    public = not Path(source.path).stem.startswith("_") or source.path.endswith("__init__.py")
    missing = public and not ast.get_docstring(source.tree)
    return [f"{source.path}: a module opens with its role and its neighbours"] if missing else []


def find_float_money(source: Source) -> list[str]:
    """Money that is annotated, converted, divided or written as a float. Names tell what is money."""
    found = [node for node in ast.walk(source.tree) if _is_float_money(node)]
    return [f"{_at(source, node)}: money is an integer of micros" for node in found]


def find_float_in_ledger(source: Source) -> list[str]:
    """Where there is nothing but money there is no float at all, whatever its name: none written, made or divided."""
    if not _MONEY_ONLY.match(source.path):
        return []
    return [
        f"{_at(source, node)}: no float, and no division that makes one, where all is money"
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div))
    ]


def find_loose_tasks(source: Source) -> list[str]:
    """Tasks are started in one place, which names them and keeps them."""
    if source.path == "src/ringbid/edge/tasks.py":
        return []
    return [
        f"{_at(source, node)}: start tasks with ringbid.edge.tasks.start"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"create_task", "ensure_future"}
    ]


def find_sql_outside_store(source: Source) -> list[str]:
    if source.within("store/"):
        return []
    found = [f"{_at(source, node)}: only store/ imports {name}" for node, name in _imports(source, _DATABASES)]
    docstrings = _docstrings(source.tree)
    for node in ast.walk(source.tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings
        if is_text and _SQL.match(node.value):
            found.append(f"{_at(source, node)}: SQL lives in store/")
    return found


def find_network_outside_edge(source: Source) -> list[str]:
    if source.within("edge/"):
        return []
    found = [f"{_at(source, node)}: only edge/ imports {name}" for node, name in _imports(source, _NETWORKS)]
    found.extend(
        f"{_at(source, node)}: only edge/ opens connections"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr in _CONNECTS
    )
    return found


def find_unexplained_ignores(source: Source) -> list[str]:
    """A silenced check names its code and, after two dashes, its reason."""
    return [
        f"{source.path}:{line}: say why, as in `# noqa: CODE -- reason`"
        for line, comment in _comments(source)
        if _NOQA.search(comment) and not _EXPLAINED_NOQA.search(comment)
    ]


def find_things_left_open(source: Source) -> list[str]:
    lines = enumerate(source.text.splitlines(), 1)
    return [f"{source.path}:{number}: finish it, or file it" for number, line in lines if _LEFT_OPEN.search(line)]


def find_foreign_words(source: Source, words: frozenset[str]) -> list[str]:
    """Names defined with a word that the glossary gives to others."""
    return [
        f"{_at(source, node)}: {name} says a word that docs/glossary.md gives to others"
        for node, name in _defined_names(source.tree)
        if words & {part.lower() for part in _WORD.findall(name)}
    ]


def _at(source: Source, node: ast.AST) -> str:
    return f"{source.path}:{getattr(node, 'lineno', 1)}"


def _is_float_money(node: ast.AST) -> bool:
    match node:
        case ast.AnnAssign(target=target, annotation=annotation) if _is_money(target):
            return _mentions_float(annotation) or _makes_float(node.value)
        case ast.arg(arg=name, annotation=annotation) if _MONEY.search(name):
            return _mentions_float(annotation)
        case ast.FunctionDef(name=name, returns=returns) | ast.AsyncFunctionDef(name=name, returns=returns) if (
            _MONEY.search(name)
        ):
            return _mentions_float(returns)
        case ast.Assign(targets=targets, value=value) if any(map(_is_money, targets)):
            return _makes_float(value)
        case ast.AugAssign(target=target, op=operator, value=value) if _is_money(target):
            return isinstance(operator, ast.Div) or _makes_float(value)
        case ast.keyword(arg=str(name), value=value) if _MONEY.search(name):
            return _makes_float(value)
        case ast.BinOp(left=left, op=operator, right=right) if _is_money(left) or _is_money(right):
            return isinstance(operator, ast.Div) or _makes_float(left) or _makes_float(right)
        case ast.Call(func=ast.Name(id="float"), args=arguments):
            return any(_is_money(inner) for argument in arguments for inner in ast.walk(argument))
        case _:
            return False


def _is_money(node: ast.AST | None) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return _MONEY.search(name) is not None
        case _:
            return False


def _mentions_float(annotation: ast.AST | None) -> bool:
    names = ast.walk(annotation) if annotation else ()
    return any(isinstance(inner, ast.Name) and inner.id == "float" for inner in names)


def _makes_float(node: ast.AST | None) -> bool:
    """Whether the value is a float by its own looks; what other functions return is mypy's to know."""
    match node:
        case ast.Constant(value=float()) | ast.Call(func=ast.Name(id="float")):
            return True
        case ast.BinOp(left=left, right=right):
            return _makes_float(left) or _makes_float(right)
        case ast.UnaryOp(operand=operand):
            return _makes_float(operand)
        case ast.IfExp(body=body, orelse=orelse):
            return _makes_float(body) or _makes_float(orelse)
        case _:
            return False


def _imports(source: Source, names: set[str]) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(source.tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for module in modules:
            found = next((name for name in names if module == name or module.startswith(f"{name}.")), None)
            if found:
                yield node, found
                break


def _docstrings(tree: ast.Module) -> set[ast.AST]:
    statements = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return {value for value in statements if isinstance(value, ast.Constant)}


def _comments(source: Source) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _defined_names(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node, name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield node, name
            case _:
                pass
