"""Every script of examples/ is run, on few and small pictures, and what it leaves is looked at."""

from __future__ import annotations

import ast
import csv
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import restora
from restora.bench.cells import list_cells
from restora.bench.figures import FIGURE_NAMES
from restora.bench.plan import BenchmarkSettings
from restora.demo import PRODUCTS, write_products
from restora.images.layouts import read_dataset
from restora.methods.table import METHODS
from restora.training.settings import run_preset

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
PAGE = ROOT / "docs/examples.md"

QUICK = ROOT / "examples/quick.toml"


def load(name: str) -> ModuleType:
    """A script as a module; what it does when it is run as a program is left."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def between_0_and_1(figures: dict[str, float | None]) -> bool:
    return all(value is None or 0 <= value <= 1 for value in figures.values())


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn part in the tree of MVTec AD: 40 good pictures, 12 and 20 to test with; left as it is."""
    folder = tmp_path_factory.mktemp("data")
    return write_products(folder, "part", good=40, test_good=12, defective=2, size=64, hard=0)


def test_a_folder_of_ones_own(parts, tmp_path):
    bad, out = tmp_path / "bad", tmp_path / "out"
    shutil.copytree(parts / "test", bad, ignore=shutil.ignore_patterns("good"))
    words = [str(parts / "train/good"), "--defective", str(bad), "--out", str(out), "--config", str(QUICK)]
    evaluation = load("own_folder").main(words)

    table = lines(out / "pictures.csv")
    assert len(table) == 60
    tested = [row["path"] for row in table if row["split"] == "test"]
    assert len(tested) == 8 + 20
    rows = lines(out / "verdicts.csv")
    assert [row["name"] for row in rows] == tested
    scores = {one.name: one.score for one in evaluation.predictions}
    assert [float(row["score"]) for row in rows] == pytest.approx([scores[row["name"]] for row in rows], rel=1e-6)

    assert set(evaluation.kinds) == set(PRODUCTS["part"].kinds)
    assert evaluation.image.auroc > 0.7
    promise = restora.Detector.load(out / "parts.restora").promise()
    assert (promise.pictures, promise.asked) == (16, 0.05)
    assert evaluation.verdicts.promised == pytest.approx(1 / 17)
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def cap(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, restora.Evaluation, ModuleType]:
    """The folder that mvtec_category.py leaves without data, its figures, and the script."""
    script, out = load("mvtec_category"), tmp_path_factory.mktemp("mvtec")
    return out, script.main(["--out", str(out), "--config", str(QUICK)]), script


def test_a_category_of_mvtec_ad_where_none_is_named(cap, capsys):
    out, evaluation, script = cap
    script.show(evaluation)
    said = capsys.readouterr().out
    record = evaluation.to_dict()
    figures = {f"{part}.{name}": value for part in ("image", "pixel") for name, value in record[part].items()}
    assert script.DEFINITIONS.keys() == figures.keys()
    assert figures["pixel.spro_05"] is None  # MVTec AD states no saturation
    stated = {name: value for name, value in figures.items() if value is not None}
    assert between_0_and_1(stated)
    assert evaluation.image.auroc > 0.7
    assert evaluation.pixel.auroc > 0.7
    for name, value in stated.items():
        assert f"{name:<15} {value:.4f}  {script.DEFINITIONS[name]}\n" in said
    assert "pixel.spro_05     none  " in said
    assert read_dataset(out / "drawn/cap").layout == "mvtec-ad"
    again = restora.Detector.load(out / "cap.restora").evaluate(out / "drawn/cap")
    assert again.image == evaluation.image
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")


def test_scans_of_the_retina_are_judged_with_and_without_known_patients(tmp_path, capsys):
    script = load("oct_scans")
    evaluation = script.main(["--out", str(tmp_path), "--config", str(QUICK)])
    said = capsys.readouterr().out
    assert evaluation.dataset["layout"] == "oct2017"
    assert evaluation.pixel is None
    assert set(evaluation.kinds) == {"CNV", "DME", "DRUSEN"}
    # patients 30 to 39 are fitted and tested: two of each disease, and four normal ones
    assert (evaluation.apart.groups, evaluation.apart.pictures) == (10, 10)
    assert f"(10 scans): AUROC {evaluation.apart.image.auroc:.4f}\n" in said
    fitted, kept, both = map(int, re.search(r"(\d+) patients .* (\d+) others .* (\d+) are in both", said).groups())
    assert fitted + kept == 40
    assert both == 0
    assert kept > 0
    assert "9 pictures are left out of train (3 CNV, 3 DME, 3 DRUSEN)" in said
    assert evaluation.image.auroc > 0.6
    assert "no medical device" in script.__doc__


def test_a_frame_that_fails_is_a_row_and_the_line_goes_on(tmp_path, capsys):
    script = load("camera_arrays")
    seen = script.main(["--out", str(tmp_path), "--config", str(QUICK)])
    said = capsys.readouterr().out
    assert sum(seen.values()) == 20
    assert seen["error"] == 1
    assert "frame 11: take it again; array-000011: the picture has no pixels" in said
    assert seen["defect"] == len(re.findall(r"^frame \d+: out, p-value", said, re.MULTILINE))
    assert restora.Detector.load(tmp_path / "camera.restora").model.manifest.fitting.count == 80


def test_frames_of_a_folder_are_judged_by_a_model_that_is_there(cap, tmp_path, capsys):
    out, evaluation, _ = cap
    names = ("test/good/0000.png", "test/crack/0000.png", "test/hole/0000.png")
    for place, name in enumerate(names):
        shutil.copy(out / "drawn/cap" / name, tmp_path / f"{place}.png")
    seen = load("camera_arrays").main([str(out / "cap.restora"), "--frames", str(tmp_path)])
    verdicts = {one.name: one.verdict for one in evaluation.predictions}
    assert sorted(seen.elements()) == sorted(verdicts[name] for name in names)


def test_two_methods_are_compared_over_seeds(parts, tmp_path, capsys):
    """Yardsticks, which are fitted in no time; the cells of methods are the next test's."""
    a, b = rows = ("nearest-neighbour-coreset", "position-gaussian")
    words = [str(parts), "--rows", *rows, "--trunk", "restora-tiny", "--threads", "1", "--out", str(tmp_path)]
    script = load("compare_methods")
    found = script.main([*words, "--seeds", "2"])
    table = lines(tmp_path / "results.csv")
    assert [(row["method"], row["seed"]) for row in table] == [(a, "0"), (a, "1"), (b, "0"), (b, "1")]
    assert found.pairs == 2
    assert [one.figure for one in found.differences] == list(FIGURE_NAMES)
    for one in found.differences:
        first, second = (np.mean([float(row[one.figure]) for row in table if row["method"] == name]) for name in rows)
        assert one.mean == pytest.approx(second - first)
    assert all(float(row["pixel_auroc"]) > 0.6 for row in table if row["method"] == b)
    said = capsys.readouterr().out
    for one in found.differences:
        assert f"{FIGURE_NAMES[one.figure]} {one.mean:+.4f} ({one.low:+.4f} to {one.high:+.4f}): " in said

    alone = script.main([*words, "--seeds", "1"])
    said = capsys.readouterr().out
    assert "2 cells, 2 of them finished before." in said
    assert all(one.doubt for one in alone.differences)
    assert said.count(": no difference is shown, since fewer than two seeds that all categories have.") == 3


def test_what_is_compared_where_nothing_is_named_is_both_methods_on_a_drawn_part():
    script = load("compare_methods")
    words = ["--steps", "5", "--trunk", "restora-tiny"]
    cells = list_cells(BenchmarkSettings.model_validate(script.grid(script.parse(words))))
    assert {(cell.row.name, cell.seed) for cell in cells} == set(product(("ura-net", "mfr-net"), range(3)))
    assert {cell.source.drawn for cell in cells} == {"part"}
    assert all(cell.settings.of(cell.row.method).fit.steps == 5 for cell in cells)
    usual = list_cells(BenchmarkSettings.model_validate(script.grid(script.parse(words[2:]))))
    assert all(
        cell.settings.of(cell.row.method).fit == run_preset(cell.row.method).of(cell.row.method).fit for cell in usual
    )


def test_the_metrics_need_neither_torch_nor_a_runtime():
    code = (
        f"import runpy, sys; runpy.run_path({str(ROOT / 'examples/only_metrics.py')!r}, run_name='__main__')\n"
        "print(sorted({'torch', 'onnxruntime', 'openvino', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("20 good, 20 defective\n")
    assert done.stdout.endswith("\n[]\n")
    figures = dict(re.findall(r"^(.+?) +(0\.\d{4}|1\.0000)$", done.stdout, re.MULTILINE))
    assert len(figures) == 10
    assert float(figures["pixel auroc"]) > 0.6


def test_figures_of_given_maps_are_those_of_another_implementation(tmp_path):
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(0)
    maps, masks = rng.normal(size=(6, 40, 40)), np.zeros((6, 40, 40), dtype=bool)
    masks[3:, 10:20, 5:9] = True
    maps += masks
    for number, (map, mask) in enumerate(zip(maps, masks, strict=True)):
        (tmp_path / "maps").mkdir(exist_ok=True)
        (tmp_path / "masks").mkdir(exist_ok=True)
        np.save(tmp_path / f"maps/{number}.npy", map)
        if number == 3:
            np.save(tmp_path / f"masks/{number}.npy", mask)
        elif number > 3:
            Image.fromarray(mask).save(tmp_path / f"masks/{number}.png")
    figures = load("only_metrics").main([str(tmp_path / "maps"), str(tmp_path / "masks")])
    truth, peaks = masks.any(axis=(1, 2)), maps.max(axis=(1, 2))
    assert figures["image AUROC"] == pytest.approx(roc_auc_score(truth, peaks))
    assert figures["image AP"] == pytest.approx(average_precision_score(truth, peaks))
    assert figures["pixel auroc"] == pytest.approx(roc_auc_score(masks.ravel(), maps.ravel()))
    assert figures["pixel ap"] == pytest.approx(average_precision_score(masks.ravel(), maps.ravel()))
    assert figures["pixel aupimo"] is None  # three good pictures of 1,600 pixels are too few for its rates


def test_a_method_of_ones_own_leaves_a_model_that_needs_it_no_more(parts, tmp_path):
    config = tmp_path / "subspace.toml"
    small = QUICK.read_text(encoding="utf-8").replace("ura_net.fit", "subspace.fit")
    config.write_text(f'method = "subspace"\n{small}\n[subspace]\nrank = 8\n', encoding="utf-8")
    line = [sys.executable, str(ROOT / "examples/add_method.py"), str(parts)]
    line += ["--out", str(tmp_path), "--config", str(config)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    detector = restora.Detector.load(tmp_path / "subspace.restora")
    assert "subspace" not in METHODS
    assert detector.model.manifest.method == "subspace"
    assert detector.model.manifest.settings["subspace"]["rank"] == 8
    evaluation = detector.evaluate(parts)
    assert evaluation.image.auroc > 0.7
    assert f"report.html: {evaluation!r}\n" in done.stdout


def test_the_page_names_every_example_with_words_that_it_understands():
    shown = re.findall(r"^python examples/(\w+)\.py(.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name, _ in shown} == {script.stem for script in SCRIPTS}
    assert len(SCRIPTS) == 7
    for name, words in shown:
        if name != "add_method":  # which changes the table of methods when it is loaded
            load(name).parse(shlex.split(words))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_says_how_it_is_run_and_stays_short(script):
    text = script.read_text(encoding="utf-8")
    assert f"    python examples/{script.name} " in ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 120
