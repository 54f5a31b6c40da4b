"""The reference pages: their `:::` lines written out, and which name has its place where."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from from_source.docstrings import Link, to_markdown
from from_source.objects import ROOT, Found, aliases, fields, find, members, signature

PAGES = ROOT / "docs" / "reference"
LINE = re.compile(r"(?:(#{2,5}) )?::: ([\w.]+)(?: \(([\w, ]*)\))?")


def write_out(text: str) -> str:
    """A page with Markdown in place of its `:::` lines. Raises LookupError for one whose name stands for nothing."""
    return "\n".join(_written(line) for line in text.split("\n"))


def _written(line: str) -> str:
    wish = LINE.fullmatch(line)
    if wish is None:
        return line
    try:
        found, *inner = _wished(wish)
    except LookupError as error:
        raise LookupError(f"{line}: {error.args[0]}") from None
    if wish[1] is None:
        return to_markdown(found.docstring, _link_from(None))
    return "\n\n".join([_section(found, wish[1], found), *(_section(one, wish[1] + "#", found) for one in inner)])


def _wished(wish: re.Match[str]) -> list[Found]:
    """What a line names, and behind it the members that it wishes to have shown."""
    found = find(wish[2])
    chosen = None if wish[3] is None else re.findall(r"\w+", wish[3])
    return [found, *members(found, chosen)] if isinstance(found.node, ast.ClassDef) else [found]


def _section(one: Found, marks: str, owner: Found) -> str:
    """Heading, how it is called, what it does."""
    link = _link_from(owner)
    called = "\n".join([signature(one), *(["", *types] if (types := aliases(one)) else [])])
    parts = [f"{marks} `{one.last}` {{ #{anchor(one.name)} }}", f"```python\n{called}\n```"]
    parts.append(to_markdown(one.docstring, link))
    said = [f"`{name}`\n:   {text}" for name, _, text in fields(one) if text]
    if one is owner:
        place = one.module.path.relative_to(ROOT).as_posix()
        parts.append(f"`{place}`{{ .place }}")
    return "\n\n".join([*parts[:3], *said, *parts[3:]])


def anchor(name: str) -> str:
    """The end of the address of a name: `restora.Detector` and its `Detector.look` are `Detector`, `Detector.look`."""
    return re.sub(r"^[a-z_.]*\.(?=[^.]+$)", "", name)


@cache
def places() -> dict[str, str]:
    """By name (`Detector`, `Detector.look`, `restora.Detector`) page and anchor of everything that has a heading."""
    errors = find("restora.errors").node.body
    found = {node.name: "python.md#errors" for node in errors if isinstance(node, ast.ClassDef)}
    for page in sorted(PAGES.glob("*.md")):
        for one in _headed(page.read_text(encoding="utf-8")):
            found[one.name] = found[one.name.removeprefix("restora.")] = f"{page.name}#{anchor(one.name)}"
            found.setdefault(one.last if one.name.count(".") and one.name[0].islower() else one.name, found[one.name])
    return found


def _headed(text: str) -> Iterator[Found]:
    for line in text.split("\n"):
        wish = LINE.fullmatch(line)
        if wish is not None and wish[1] is not None:
            yield from _wished(wish)


def _link_from(owner: Found | None) -> Link:
    """What finds a name that a docstring of `owner` has in backticks; its own names come first."""
    own = set() if owner is None else {name for name, _, _ in fields(owner)}

    def link(name: str) -> str | None:
        if name in own or (owner is not None and name == owner.last):
            return None
        return (places().get(f"{owner.last}.{name}") if owner is not None else None) or places().get(name)

    return link
