"""Runs the commands that the pages show and puts what they really print into the pages.

    python docs/figures/outputs.py runs/figures

A page marks the place by `<!-- output: NAME -->` and `<!-- end -->`; what lies between is replaced. A NAME is that of
a function below. Needs the extras `train` and `openvino`, and some minutes the first time.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from panels import HERE
from stage import SHOWN, restora, set_up

PAGES = HERE.parent
PLACE = re.compile(r"(<!-- output: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
KIND = re.compile(r"^  (\w+): (\d+ of \d+) found, AUROC ([\d.]+)", re.MULTILINE)
PROGRESS = ("Features of", "training:")
EXAMPLES = PAGES.resolve().parent / "examples"
# The words of an example that takes no settings' file, as docs/examples.md shows them.
EXAMPLE_WORDS: dict[str, tuple[str, ...]] = {
    "compare_methods": ("--rows", "nearest-neighbour-coreset", "ura-net", "--steps", "20", "--trunk", "restora-tiny"),
    "only_metrics": (),
}
UNDER_WAY = re.compile(r"Features of | to calibrate, | cells, | begins\.$|, looked at in ")
WIDEST = 150  # of a line of terms; the whole is a keystroke away

Output = Callable[[Path], str]


def block(text: str) -> str:
    """As a code block, none of its lines wider than a page takes."""
    lines = (line if len(line) <= WIDEST + 40 else line[:WIDEST].rstrip() + " ..." for line in text.splitlines())
    return "\n" + "\n".join(["```text", *lines, "```"]) + "\n\n"


def inspect(stage: Path) -> str:
    """`data inspect` of a plain folder."""
    return block(restora(stage, "data", "inspect", "parts/good"))


def broken(stage: Path) -> str:
    """`data inspect` of a data set with mistakes."""
    return block(restora(stage, "data", "inspect", "broken").replace("set  broken,", "set  parts,"))


def layouts(stage: Path) -> str:
    """`data layouts`."""
    return block(restora(stage, "data", "layouts"))


def train(stage: Path) -> str:
    """What the training said in the end."""
    said = (stage / "train.txt").read_text(encoding="utf-8").splitlines()
    return block("\n".join(line for line in said if not line.startswith(PROGRESS) and " to calibrate, " not in line))


def predict(stage: Path) -> str:
    """Rows of new pictures, without the sentences of the promise."""
    restora(stage, "predict", "part.restora", "line", "--out", "verdicts.csv")
    return block((stage / "verdicts.csv").read_text(encoding="utf-8"))


def overlays(stage: Path) -> str:
    """Some of the same pictures with their heat, as a table of pictures; `ura_net.py` makes them."""
    rows = (stage / "verdicts.csv").read_text(encoding="utf-8").splitlines()
    verdicts = dict(row.split(",")[:2] for row in rows)
    shown = {"good": f"{SHOWN:04d}.png", **{kind: f"{kind}.png" for kind in ("scratch", "missing_hole", "stain")}}
    heads = " | ".join(f"`{name}`: {verdicts[name]}" for name in shown.values())
    pictures = " | ".join(f"![{n}, heat and frames](figures/ura-net/{k}-verdict.png)" for k, n in shown.items())
    return f"\n| {heads} |\n{'|---' * len(shown)}|\n| {pictures} |\n\n"


def row(stage: Path) -> str:
    """One row as JSON, broken into lines for reading."""
    restora(stage, "predict", "part.restora", "line/stain.png", "--json", "--out", "row.json")
    text = json.dumps(json.loads((stage / "row.json").read_text(encoding="utf-8")))
    return block(re.sub(r', "(regions|error|model)"', r',\n "\1"', text))


def too_small(stage: Path) -> str:
    """A rate that cannot be promised."""
    words = ("predict", "part.restora", "line/", "--false-alarms", "0.002", "--out", "verdicts.csv")
    return block(f"$ restora {' '.join(words)}\n{restora(stage, *words)}")


def calibrate(stage: Path) -> str:
    """A calibration on further good pictures."""
    copy = _copy(stage, "calibrated")
    return block(restora(copy, "calibrate", "part.restora", "../more_good", "--false-alarms", "0.01"))


def export(stage: Path) -> str:
    """The OpenVINO export."""
    return block(restora(_copy(stage, "exported"), "export", "part.restora", "--to", "openvino"))


def evaluate(stage: Path) -> str:
    """`evaluate`, whole."""
    return block(_evaluated(stage))


def happened(stage: Path) -> str:
    """Of `evaluate` what was promised and what happened."""
    return block(
        "\n".join(line for line in _evaluated(stage).splitlines() if line.startswith(("promised", "happened")))
    )


def kinds(stage: Path) -> str:
    """Of `evaluate` the kinds of defect, where the part lies in its fixture and where it lies anyhow."""
    fixed, loose = (
        KIND.findall(_evaluated(stage, model, data)) for model, data in (("part", "parts"), ("loose", "loose"))
    )
    others = {kind: (found, auroc) for kind, found, auroc in loose}
    rows = "\n".join(
        f"| {_words(kind)} | {found} | {float(auroc):.2f} | {others[kind][0]} | {float(others[kind][1]):.2f} |"
        for kind, found, auroc in fixed
    )
    head = "| kind | in its fixture: found | AUROC | lying anyhow: found | AUROC |\n|---|---|---|---|---|"
    return f"\n{head}\n{rows}\n\n"


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def score_maps(stage: Path) -> str:
    """The figures of maps, here our own."""
    restora(stage, "predict", "part.restora", "parts/test", "--maps", "maps", "--out", "verdicts.csv")
    return block(restora(stage, "score-maps", "maps", "parts/ground_truth"))


def drift(stage: Path) -> str:
    """The table of `drift.py`."""
    return "\n" + _script("drift.py", stage / "part.restora", stage / "parts") + "\n\n"


def rates(stage: Path) -> str:
    """The table of `promise.py`."""
    return "\n" + _script("promise.py", stage / "part.restora", stage / "parts") + "\n\n"


def products(stage: Path) -> str:
    """The table of `products.py`."""
    return "\n" + _script("products.py") + "\n\n"


def example(script: Path) -> Output:
    """What a script of examples/ prints in a try of seconds, without what it says of its progress."""

    def printed(stage: Path) -> str:
        words = EXAMPLE_WORDS.get(script.stem, ("--config", str(script.with_name("quick.toml"))))
        run = [sys.executable, str(script), *words]
        said = subprocess.run(run, cwd=stage, stdout=subprocess.PIPE, text=True, check=True).stdout
        return block("\n".join(line for line in said.splitlines() if not UNDER_WAY.search(line)))

    return printed


MADE: tuple[Output, ...] = (
    *(inspect, broken, layouts, train, predict, overlays, row, too_small, calibrate, export),
    *(evaluate, happened, kinds, score_maps, drift, rates, products),
)
OUTPUTS = {made.__name__: made for made in MADE}
OUTPUTS |= {f"example_{script.stem}": example(script) for script in EXAMPLES.glob("*.py")}


def _script(name: str, *words: Path) -> str:
    run = [sys.executable, str(HERE / name), *map(str, words)]
    return subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True).stdout.rstrip()


def _copy(stage: Path, name: str) -> Path:
    """A folder with a copy of the model: what changes it must not change the others."""
    shutil.rmtree(stage / name, ignore_errors=True)
    shutil.copytree(stage / "part.restora", stage / name / "part.restora")
    return stage / name


def _evaluated(stage: Path, model: str = "part", data: str = "parts") -> str:
    kept, manifest = stage / f"{model}.txt", stage / f"{model}.restora" / "manifest.json"
    if not kept.exists() or kept.stat().st_mtime < manifest.stat().st_mtime:
        said = restora(stage, "evaluate", f"{model}.restora", data, "--report", "report.html")
        kept.write_text(said + "\n", encoding="utf-8")
    return kept.read_text(encoding="utf-8").rstrip()


def main() -> None:
    """Fill every page."""
    stage = set_up(Path(sys.argv[1]))
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        filled = PLACE.sub(lambda found: found[1] + OUTPUTS[found[2]](stage) + found[3], text)
        if filled != text:
            page.write_text(filled, encoding="utf-8")
            print(page.name)


if __name__ == "__main__":
    main()
