"""Finds functions, classes and modules in the source by their public names, and says how they are called."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
WIDE = 92  # characters of a signature in one line

Function = ast.FunctionDef | ast.AsyncFunctionDef
Node = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A file of the package."""

    path: Path
    text: str
    tree: ast.Module

    def source(self, node: ast.AST | None) -> str:
        """The text of an expression on one line, as it stands there."""
        words = (ast.get_source_segment(self.text, node) or "").split() if node is not None else []
        return " ".join(words).replace("[ ", "[").replace(" ]", "]")


@dataclass(frozen=True)
class Found:
    """Something under the name that people import it by."""

    name: str
    module: Module
    node: Node

    @property
    def last(self) -> str:
        """The end of its name."""
        return self.name.rpartition(".")[2]

    @property
    def docstring(self) -> str:
        """Its docstring, without the indentation; empty where there is none."""
        return ast.get_docstring(self.node) or ""


@cache
def _module(name: str) -> Module | None:
    below = ROOT / "src" / Path(*name.split("."))
    path = next((path for path in (below / "__init__.py", below.with_suffix(".py")) if path.is_file()), None)
    if path is None:
        return None
    text = path.read_text(encoding="utf-8")
    return Module(path, text, ast.parse(text))


def find(name: str) -> Found:
    """What a dotted name stands for, followed to the file it is defined in. Raises LookupError where nothing does."""
    above, _, last = name.rpartition(".")
    home = _module(above) if above else None
    found = _inside(home, last) if home is not None else None
    if found is not None and not isinstance(found[1], ast.Assign):
        return Found(name, found[0], found[1])
    module = _module(name)
    if module is not None:
        return Found(name, module, module.tree)
    raise LookupError(f"there is no {name} in src")


def _inside(module: Module, name: str) -> tuple[Module, Node | ast.Assign] | None:
    """A name of a module: defined there, or imported from another of ours."""
    for node in _statements(module.tree.body):
        if isinstance(node, Function | ast.ClassDef) and node.name == name:
            return module, node
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            return module, node
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("restora"):
            for alias in node.names:
                home = _module(node.module or "") if (alias.asname or alias.name) == name else None
                if home is not None and home is not module:
                    return _inside(home, alias.name)
    return None


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Of a module, those under `if TYPE_CHECKING` too."""
    for node in body:
        if isinstance(node, ast.If):
            yield from _statements(node.body)
        else:
            yield node


def members(found: Found, chosen: Collection[str] | None = None) -> list[Found]:
    """The methods and properties of a class in the order of its source: those chosen, else the public ones."""
    inner = [node for node in getattr(found.node, "body", []) if isinstance(node, Function)]
    if missing := set(chosen or ()) - {node.name for node in inner}:
        raise LookupError(f"{found.name} has no {', '.join(sorted(missing))}")
    kept = [node for node in inner if (not node.name.startswith("_") if chosen is None else node.name in chosen)]
    return [Found(f"{found.last}.{node.name}", found.module, node) for node in kept]


def fields(found: Found) -> list[tuple[str, str, str]]:
    """Of a record every field: name, what its line says (type and default), and the text under it."""
    body = getattr(found.node, "body", [])
    rows = []
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not node.target.id.startswith("_"):
            default = _default(found.module, node.value)
            line = f"{node.target.id}: {found.module.source(node.annotation)}" + (f" = {default}" if default else "")
            said = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            rows.append((node.target.id, line, " ".join(str(said).split())))
    return rows


def _default(module: Module, value: ast.expr | None) -> str:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("field", "Field"):
        return next((module.source(word.value) for word in value.keywords if word.arg == "default"), "")
    return module.source(value)


def signature(found: Found) -> str:
    """How it is called, or for a record what it holds, as a block of code."""
    node = found.node
    if isinstance(node, ast.ClassDef):
        lines = [f"    {line}" for _, line, _ in fields(found)]
        if lines:
            return "\n".join([f"class {found.name}:", *lines])
        start = next((one for one in members(found, ("__init__",))), None) if _has_start(node) else None
        return _call(Found(found.name, found.module, start.node), bound=True) if start else f"class {found.name}"
    if isinstance(node, Function):
        marks = {word.id for word in node.decorator_list if isinstance(word, ast.Name)}
        if marks & {"property", "cached_property"}:
            return f"{found.name}: {found.module.source(node.returns)}"
        return _call(found, bound="." in found.name and found.name[0].isupper())
    return ""


def _has_start(node: ast.ClassDef) -> bool:
    return any(isinstance(one, ast.FunctionDef) and one.name == "__init__" for one in node.body)


def _call(found: Found, *, bound: bool) -> str:
    """A call with its arguments, one a line where they are many; `bound` leaves out self."""
    node = found.node
    assert isinstance(node, Function)
    words = list(_arguments(found.module, node.args))[1 if bound and not _is_static(node) else 0 :]
    returns = found.module.source(node.returns)
    end = f") -> {returns}" if returns and node.name != "__init__" else ")"
    short = f"{found.name}({', '.join(words)}{end}"
    return short if len(short) <= WIDE else "\n".join([f"{found.name}(", *(f"    {word}," for word in words), end])


def _is_static(node: Function) -> bool:
    return any(isinstance(word, ast.Name) and word.id == "staticmethod" for word in node.decorator_list)


def _arguments(module: Module, given: ast.arguments) -> Iterator[str]:
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    yield from (_argument(module, one, value) for one, value in zip(plain, defaults, strict=True))
    if given.vararg:
        yield "*" + _argument(module, given.vararg, None)
    elif given.kwonlyargs:
        yield "*"
    yield from (_argument(module, one, value) for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True))
    if given.kwarg:
        yield "**" + _argument(module, given.kwarg, None)


def _argument(module: Module, one: ast.arg, default: ast.expr | None) -> str:
    kind = f": {module.source(one.annotation)}" if one.annotation else ""
    if default is None:
        return one.arg + kind
    return f"{one.arg}{kind} = {module.source(default)}"


def aliases(found: Found) -> list[str]:
    """What the names of types in a signature stand for, a line each, where they are names for longer types."""
    seen: dict[str, str] = {}
    nodes: list[ast.AST] = [found.node]
    if isinstance(found.node, ast.ClassDef):
        nodes = [one.annotation for one in found.node.body if isinstance(one, ast.AnnAssign)]
        nodes += [one.args for one in found.node.body if isinstance(one, Function) and one.name == "__init__"]
    elif isinstance(found.node, Function):
        nodes = [found.node.args, *([found.node.returns] if found.node.returns else [])]
    for node in nodes:
        _spell(found.module, node, seen)
    return list(seen.values())


def _spell(module: Module, node: ast.AST, seen: dict[str, str]) -> None:
    for name in (one.id for one in ast.walk(node) if isinstance(one, ast.Name)):
        here = _inside(module, name) if name not in seen and name[0].isupper() and not name.isupper() else None
        if here is not None and isinstance(here[1], ast.Assign) and not isinstance(here[1].value, ast.Name):
            seen[name] = f"{name} = {here[0].source(here[1].value)}"
            _spell(here[0], here[1].value, seen)
