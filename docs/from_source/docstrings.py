"""A docstring as Markdown: sentences as they are, tables of names as definitions, what is raised as a list.

The docstrings of this project are laid out for reading in the source: a first sentence, then lines `name : text`, whose
further lines stand further in, and sentences `Raises X for ..., Y for ...`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

ENTRY = re.compile(r"(\w+(?:, \w+)*) +: (.*)")
ANOTHER = re.compile(r"; (?=\w+(?:, \w+)* +: )|; (?=\w+(?:, \w+)*: )")  # the next name in the same line
RAISES = re.compile(r"(?:^|(?<=[.;] ))Raises (?=[A-Z]\w*Error)")
ERROR = re.compile(r"(?:, |; | and |, and )(?=[A-Z]\w*Error)")
DRAWN = re.compile(r"[├└│─]")
SPAN = re.compile(r"(?<!`)`([A-Za-z][\w.]*)`(?!`)")

Link = Callable[[str], str | None]


def to_markdown(text: str, link: Link = lambda name: None) -> str:
    """Markdown of a docstring; `link` gives the address of a name in backticks, or None."""
    blocks, raised = list[str](), list[str]()
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        blocks.extend(_blocks(paragraph, raised))
    if raised:
        blocks.append("Raises:\n\n" + "\n".join(f"- `{name}`{rest}" for name, rest in map(_error, raised)))
    return "\n\n".join(_linked(block, link) for block in blocks)


def _blocks(paragraph: str, raised: list[str]) -> Iterator[str]:
    lines = paragraph.split("\n")
    if any(DRAWN.search(line) for line in lines):
        yield "\n".join(["```text", *lines, "```"])
        return
    if all(line.startswith("    ") for line in lines) or lines[0].startswith("- "):
        yield paragraph
        return
    for name, said in _entries(lines):
        said = _without_errors(said, raised)
        if name == "raises":
            raised.extend(_split_errors(said))
        elif name == "returns":
            yield f"Returns {said}"
        elif name:
            names = ", ".join(f"`{one}`" for one in name.split(", "))
            yield f"{names}\n:   {said}"
        elif said:
            yield said


def _entries(lines: list[str]) -> Iterator[tuple[str, str]]:
    """(names, text) of every definition, ("", text) of what stands between."""
    gathered: list[tuple[str, list[str]]] = []
    for line in lines:
        entry = ENTRY.fullmatch(line)
        if entry:
            gathered.append((entry[1], [entry[2]]))
        elif gathered and (line.startswith(" ") or not gathered[-1][0]):
            gathered[-1][1].append(line.strip())
        else:
            gathered.append(("", [line.strip()]))
    for name, said in gathered:
        text = " ".join(said)
        for number, part in enumerate(ANOTHER.split(text) if name else [text]):
            if number:
                name, part = re.split(r" *: ", part, maxsplit=1)
            yield name, part


def _without_errors(text: str, raised: list[str]) -> str:
    """The text before `Raises ...`; what follows is added to `raised`."""
    said, *errors = RAISES.split(text)
    for error in errors:
        raised.extend(_split_errors(error))
    return said.strip()


def _split_errors(text: str) -> list[str]:
    return [part.strip().rstrip(".;") for part in ERROR.split(text)]


def _error(text: str) -> tuple[str, str]:
    name, space, rest = text.partition(" ")
    bare = name.rstrip(",:")
    return bare, name[len(bare) :] + space + rest


def _linked(block: str, link: Link) -> str:
    if block.startswith("```"):
        return block

    def linked(span: re.Match[str]) -> str:
        address = link(span[1])
        return span[0] if address is None else f"[{span[0]}]({address})"

    term, definition, said = block.partition("\n:   ")
    return term + definition + SPAN.sub(linked, said) if definition else SPAN.sub(linked, block)
