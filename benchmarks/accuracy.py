"""Accuracy on real categories: URA-Net, its trunk without the paper's parts, the control and a nearest-neighbour
memory.

    python benchmarks/accuracy.py --data ROOT --weights FILE --work FOLDER [--method ...] [--category ...] [--seed ...]
    python benchmarks/accuracy.py --work FOLDER --table benchmarks/accuracy/results.csv

One recipe for all cells; every row of a category and seed is fitted on the same part of its good pictures. A finished
cell (one JSON file in FOLDER) is never repeated, so several processes may share a folder. Models stay in FOLDER for the
measurements of restoration and perception. `--table` writes the figures of all finished cells.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import Any

import torch
from memory_bank import MemoryRuntime

import restora
from restora.demo.write import write_products
from restora.detector.detector import Detector
from restora.features.pyramid import Aggregate, load_trunk
from restora.features.settings import PREFERRED
from restora.training.plan import make_plan, open_source, resolve_settings
from restora.training.settings import RunSettings

# Chosen on the develop sets alone; the report sets are looked at once, for the table.
DEVELOP = {
    "tire": "mvtec_3d_ad/tire",
    "commutator": "kolektorsdd/commutator",
    "metal_plate": "mpdd/metal_plate",
}
DRAWN = (
    "loose_part",
    "part",
    "fabric",
    "board",
    "cap",
)  # drawn products, the further develop sets; drawn into the work folder
REPORT = {"screw": "mvtec_ad/screw", "elpv": "elpv/mono", "chest": "nih_chestxray8/chest"}
CATEGORIES = {**DEVELOP, **dict.fromkeys(DRAWN, ""), **REPORT}
FOUR = ("screw", "tire", "commutator", "elpv")  # whose mean the bars are about

# What each row changes of the one recipe.
ROWS: dict[str, dict[str, Any]] = {
    "ura-net": {},
    "trunk-only": {
        "ura_net.synthesis.enabled": False,
        "ura_net.perception.mode": "off",
        "ura_net.attention.mode": "off",
    },
    "control": {"ura_net.restorer.body": "none"},
    "nearest-neighbour": {"ura_net.restorer.body": "none"},
}
COLUMNS = ("method", "trunk", "size", "category", "seed", "image_auroc", "pixel_auroc", "aupro_30")
RUN_COLUMNS = (
    "method",
    "trunk",
    "category",
    "seed",
    "recipe",
    "steps",
    "fit_seconds",
    "look_seconds",
    "megabytes",
    "torch",
    "restora",
)


def run_cell(method: str, category: str, seed: int, chosen: argparse.Namespace) -> dict[str, Any]:
    """Train one row on one category and evaluate it."""
    data, weights, work = chosen.data, chosen.weights, chosen.work
    changes = dict(change.split("=", 1) for change in chosen.set)
    source = drawn(category, work) if category in DRAWN else data / CATEGORIES[category]
    settings = resolve_settings(
        "small",
        None,
        {
            "seed": seed,
            "trunk.name": chosen.trunk,
            "trunk.weights": None if weights is None else str(weights),
            **ROWS[method],
            **{key: json.loads(value) for key, value in changes.items()},
        },
    )
    # The memory has no network of its own: it answers through the control's model, which has the same input.
    name = "control" if method == "nearest-neighbour" else method
    folder = work / f"{cell_name(chosen.trunk, name, category, seed)}.restora"
    start = time.perf_counter()
    if method == "nearest-neighbour":
        detector = Detector.load(folder, runtime=memory(settings, source))
    else:
        detector = restora.train(source, out=folder, config=settings, overwrite=True)
    fitted = time.perf_counter()
    evaluation = detector.evaluate(source)
    looked = time.perf_counter()
    manifest = detector.info()
    size = f"{manifest['input']['height']}x{manifest['input']['width']}"
    pixel = evaluation.pixel
    return {
        "method": method,
        "trunk": chosen.trunk,
        "size": size,
        "category": category,
        "seed": seed,
        "image_auroc": rounded(evaluation.image.auroc),
        "pixel_auroc": rounded(pixel.auroc) if pixel is not None else "",
        "aupro_30": rounded(pixel.aupro_30) if pixel is not None else "",
        "recipe": recipe_hash(settings, method),
        "steps": settings.of("ura-net").fit.steps if method in ("ura-net", "trunk-only") else 0,
        "fit_seconds": round(fitted - start, 1),
        "look_seconds": round(looked - fitted, 1),
        "megabytes": round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6, 1),
        "torch": torch.__version__,
        "restora": restora.__version__,
    }


def cell_name(trunk: str, method: str, category: str, seed: int) -> str:
    """Name of a cell's files; the usual trunk is not in it."""
    return f"{'' if trunk == PREFERRED else trunk + '-'}{method}-{category}-{seed}"


def drawn(product: str, work: Path) -> Path:
    """The drawn product's data set, drawn on first use."""
    return write_products(work / "drawn", product, good=160, test_good=60, defective=12, size=256, seed=0)


def memory(settings: RunSettings, source: Path) -> MemoryRuntime:
    """The nearest-neighbour memory, fitted on the same part of the good pictures."""
    trunk = load_trunk(
        str(settings.trunk.name), weights=settings.trunk.weights, levels=settings.of("ura-net").pyramid.levels
    )
    plan = make_plan(settings, open_source(source, None), trunk)
    return MemoryRuntime(trunk, Aggregate(settings.of("ura-net").pyramid, trunk.levels), plan, settings.seed)


def recipe_hash(settings: RunSettings, method: str) -> str:
    """First 12 digits of the hash of all settings but the seed; one value a row means one recipe for all categories."""
    from restora.bundle import hash_settings
    from restora.training.plan import recipe

    return hash_settings({**recipe(settings), "row": method})[:12]


def rounded(value: float | None) -> float | str:
    """Four digits, or an empty cell."""
    return "" if value is None else round(value, 4)


def write_table(work: Path, table: Path) -> None:
    """results.csv (figures alone) and runs.csv (times, sizes, versions) of all finished cells."""
    cells = sorted(
        (json.loads(path.read_text()) for path in work.glob("*.json")),
        key=lambda cell: (
            list(ROWS).index(cell["method"]),
            cell["trunk"] != PREFERRED,
            cell["trunk"],
            list(CATEGORIES).index(cell["category"]),
            cell["seed"],
        ),
    )
    table.parent.mkdir(parents=True, exist_ok=True)
    for path, columns in ((table, COLUMNS), (table.with_name("runs.csv"), RUN_COLUMNS)):
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(cells)


def markdown(work: Path) -> str:
    """Image AUROC / pixel AUROC / AUPRO@0.3, means over the seeds; develop and report categories apart."""
    cells = [json.loads(path.read_text()) for path in work.glob("*.json")]
    names = list(CATEGORIES)
    lines = ["| row | " + " | ".join(names) + " | mean of four |", "|---|" + "---|" * (len(names) + 1)]
    rows = sorted({(list(ROWS).index(cell["method"]), cell["trunk"] != PREFERRED, cell["trunk"]) for cell in cells})
    for number, _, trunk in rows:
        method = list(ROWS)[number]
        row = [cell for cell in cells if (cell["method"], cell["trunk"]) == (method, trunk)]
        shown, images = [], {}
        for name in names:
            mine = [cell for cell in row if cell["category"] == name]
            columns = ("image_auroc", "pixel_auroc", "aupro_30")
            means = [mean([cell[column] for cell in mine if cell[column] != ""]) for column in columns]
            images[name] = means[0]
            shown.append(" / ".join(f"{value:.3f}" for value in means if value is not None) or "-")
        four = [images[name] for name in FOUR]
        overall = mean([value for value in four if value is not None]) if None not in four else None
        lines.append(
            f"| {method}, {trunk} | " + " | ".join(shown) + f" | {'-' if overall is None else f'{overall:.3f}'} |"
        )
    return "\n".join(lines)


def mean(values: list[float]) -> float | None:
    """Mean, or None of nothing."""
    return sum(values) / len(values) if values else None


def main() -> None:
    """Run the cells that are not finished, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--trunk", default=PREFERRED)
    parser.add_argument("--weights", type=Path, help="of the trunk; without it those at hand")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--method", nargs="+", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--category", nargs="+", default=list(CATEGORIES), choices=list(CATEGORIES))
    parser.add_argument("--seed", nargs="+", type=int, default=[0])
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="KEY=JSON", help="change settings; use a work folder apart"
    )
    parser.add_argument("--table", type=Path)
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    if chosen.table is not None:
        write_table(chosen.work, chosen.table)
        print(markdown(chosen.work))
        return
    for seed in chosen.seed:
        for category in chosen.category:
            for method in chosen.method:
                path = chosen.work / f"{cell_name(chosen.trunk, method, category, seed)}.json"
                if path.exists():
                    continue
                cell = run_cell(method, category, seed, chosen)
                path.write_text(json.dumps(cell, indent=1))
                print(json.dumps(cell), flush=True)


if __name__ == "__main__":
    main()
