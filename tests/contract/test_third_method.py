"""A third method is one folder and one line: those that docs/my-method.md shows, laid into a copy of the package.

What stands on the page is what runs here, so the page cannot go out of date.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
METHOD = "place-median"
FILE = re.compile(r'```python title="(?P<path>[^":]+)(?:: (?P<place>\w+))?"\n(?P<text>.*?)```', re.DOTALL)
# The line after which a line of the page goes, by the word that the page names the place with.
PLACES = {
    "import": "from restora.methods.mfr_net import settings as mfr_net\n",
    "METHODS": "METHODS: dict[str, Method] = {\n",
    "SMALL": "SMALL: dict[str, dict[str, Any]] = {\n",
}


def lay_out(home: Path) -> None:
    """A copy of package and contract tests, with what the page shows in it."""
    forget = shutil.ignore_patterns(Path(__file__).name)
    shutil.copytree(ROOT / "src/restora", home / "src/restora")
    shutil.copytree(ROOT / "tests/contract", home / "tests/contract", ignore=forget)
    shutil.copy(ROOT / "pyproject.toml", home)
    for shown in FILE.finditer((ROOT / "docs/my-method.md").read_text(encoding="utf-8")):
        path, text = home / shown["path"], shown["text"]
        if shown["place"] is None:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        else:
            before = path.read_text(encoding="utf-8")
            assert before.count(PLACES[shown["place"]]) == 1, shown["place"]
            path.write_text(before.replace(PLACES[shown["place"]], PLACES[shown["place"]] + text), encoding="utf-8")


def run(home: Path, *words: str) -> str:
    """What `python -m` of the words prints in the copy; it must end well."""
    env = {**os.environ, "PYTHONPATH": str(home / "src")}
    line = [sys.executable, "-m", *words]
    done = subprocess.run(line, cwd=home, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("third")
    lay_out(home)
    return home


def test_a_third_method_keeps_the_contract(home):
    said = run(home, "pytest", "tests/contract", "-k", f"{METHOD} or loads_no_torch", "-p", "no:cacheprovider")
    passed = re.search(r"(\d+) passed, (\d+) deselected", said)
    assert passed is not None, said
    assert int(passed[1]) > 35


def test_a_third_method_is_known_wherever_methods_are_named(home):
    shown = run(home, "restora", "config", "show", "--method", METHOD)
    assert "[place_median]\n" in shown
    assert "[ura_net]" not in shown


def test_the_files_of_the_page_are_in_the_style_of_the_package(home):
    folder = "src/restora/methods"
    run(home, "ruff", "check", f"{folder}/place_median", f"{folder}/table.py")
    run(home, "ruff", "format", "--check", f"{folder}/place_median", f"{folder}/table.py")
