"""Makes the reference pages from docstrings: a Markdown extension that writes out their `:::` lines.

    PYTHONPATH=docs zensical build --clean          # as `make docs` has it

A page says what is shown, in which order and under which heading:

    ## ::: restora.Detector                         everything public
    ## ::: restora.metrics.Curve (thinned)          with these members alone; () with none
    ::: restora.metrics                             a module's docstring, without a heading

Nothing of the package is imported, so no torch is needed; what is not there is an error that names the line.
"""

from __future__ import annotations

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor

from from_source.pages import write_out


class _Lines(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        """Give the page's lines with those of the docstrings."""
        return write_out("\n".join(lines)).split("\n")


class FromSource(Extension):
    """The extension; its lines are headings and code blocks like those of the page, so it comes before those."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Put it behind the one that makes all line ends alike, and before the one that finds code blocks."""
        md.preprocessors.register(_Lines(md), "from_source", 28)


def makeExtension(**options: object) -> FromSource:
    """The name that Markdown looks for."""
    return FromSource(**options)
