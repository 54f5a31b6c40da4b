"""What the documentation tells people to type is understood, and every verb's help shows an example of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from restora.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def verbs(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    command = command or get_command(app)
    for name, inner in getattr(command, "commands", {}).items():
        yield from verbs(inner, (*path, name))
    if path and not hasattr(command, "commands"):
        yield " ".join(path), command


def parse(words: list[str]) -> None:
    """Parse a command line without running it; typer's error passes through."""
    command, context = get_command(app), None
    while hasattr(command, "commands"):
        context = command.make_context(command.name, words, parent=context)
        name, command, words = command.resolve_command(context, words)
    command.make_context(name, words, parent=context)


def typed_lines() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in re.findall(r"```\n(.*?)```", page.read_text(), flags=re.DOTALL):
            for line in re.findall(r"^(?:.*\| )?restora (.*)$", block, flags=re.MULTILINE):
                yield page.name, re.sub(r"\s{2,}#.*$| >.*$", "", line)


@pytest.mark.parametrize(("page", "line"), list(typed_lines()))
def test_a_line_in_the_documentation_is_understood(page, line):
    parse(shlex.split(line))


def test_there_are_lines_to_understand_and_a_wrong_one_is_not():
    assert len(list(typed_lines())) > 15
    with pytest.raises(Exception, match="--no-such"):
        parse(["predict", "m", "p", "--no-such"])


def test_every_verb_in_running_text_is_one():
    known = {name for name, _ in verbs()} | {name.partition(" ")[0] for name, _ in verbs()}
    for page in PAGES:
        for words in re.findall(r"`restora ([a-z][\w-]*(?: [a-z][\w-]*)?)", page.read_text()):
            first = words.partition(" ")[0]
            assert words in known or first in known - {"data", "config", "weights"}, (page.name, words)


def test_every_pain_has_what_is_done_and_what_is_not():
    text = (ROOT / "docs/pains.md").read_text()
    pains = re.findall(r"^### (\d+)\. .*\n\n(.*(?:\n.+)*)", text, flags=re.MULTILINE)
    assert sorted(int(number) for number, _ in pains) == list(range(1, 26))
    for number, answer in pains:
        assert re.fullmatch(r"Asked in .*\*\*Here:\*\* .*\*\*Not yet:\*\* .*", answer, flags=re.DOTALL), number


@pytest.mark.parametrize(("verb", "command"), list(verbs()))
def test_every_verb_shows_an_example_and_takes_json(verb, command):
    shown = f"{command.help}\n{command.epilog or ''}"
    example = re.search(r"Example: restora (.*)", shown)
    assert example is not None
    assert example[1].startswith(verb)
    parse(shlex.split(re.sub(r" >.*$", "", example[1])))
    assert "--json" in [option for parameter in command.params for option in parameter.opts]


@pytest.mark.parametrize(("verb", "command"), list(verbs()))
def test_every_verb_is_in_the_table_of_commands(verb, command):
    assert f"`{verb} " in (table := (ROOT / "docs/commands.md").read_text()) or f"`{verb}`" in table
