"""What a benchmark's file may say, and how its mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from restora.bench.plan import BenchmarkSettings
from restora.errors import SettingsError

ROOT = Path(__file__).parents[2]


def mistakes(plan, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        plan(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_category_is_a_path_or_a_drawn_product(plan):
    made = plan('[categories]\nscrew = "mvtec_ad/screw"\ncap = "drawn:cap"\nweak = { drawn = "cap", hard = 1.0 }\n')
    assert made.categories["screw"].facts() == {"path": "mvtec_ad/screw"}
    assert (made.categories["cap"].drawn, made.categories["cap"].hard) == ("cap", 0.15)
    assert made.categories["weak"].hard == 1.0
    assert made.categories["weak"].facts() != made.categories["cap"].facts()
    assert "path" not in made.categories["cap"].facts()


def test_a_path_may_have_its_folders_named_one_by_one(plan):
    made = plan('[categories]\na = { path = "line3", normal = "ok", normal_test = "later" }\nb = "drawn:cap"\n')
    assert made.categories["a"].facts() == {"path": "line3", "normal": "ok", "normal_test": "later"}
    # the names of cells that were finished before there were such folders come from this
    assert set(made.categories["b"].facts()) == {"drawn", "good", "test_good", "defective", "size", "seed", "hard"}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('{ drawn = "cap", normal = "ok" }', "normal: folders are those of a path"),
        ('"drawn:frabic"', "the nearest is fabric"),
        ("{ hard = 0.5 }", "either a path or"),
        ("3", "categories.a (line 2) is 3"),
    ],
)
def test_a_category_that_is_neither_is_refused(plan, value, told):
    assert told in mistakes(plan, f"[categories]\na = {value}\n")


def test_every_mistake_is_told_at_once_whatever_its_kind(plan, toml):
    text = (
        toml.replace("threads = 1", "threads = 0")
        .replace('"control"', '"contol"')
        .replace('["fabric", "cap"]', '["fabrik"]')
    )
    text = text.replace("ura_net.fit.steps", "ura_net.fit.stpes").replace("seeds", "sedes")
    told = mistakes(plan, text)
    for part in (
        "threads (line 2) is 0, allowed is a whole number, at least 1",
        "'contol': there is no such row, the nearest is control",
        "'fabrik': there is no such category, the nearest is fabric",
        "settings.ura_net.fit.stpes (line 15) is 2: there is no such setting, the nearest is ura_net.fit.steps",
        "grid.0.sedes (line 21) is not a setting, the nearest is grid.0.seeds",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"ura_net.fit.steps" = -1', "settings.ura_net.fit.steps (line 15) is -1: Input should be greater"),
        ('"ura_net.fit.steps" = "many"', "settings.ura_net.fit.steps (line 15) is 'many'"),
        ("seed = 3", "settings.seed (line 15) is 3: there is no such setting"),
        ('"trunk.name" = "vgg16"', "settings.trunk.name (line 15) is 'vgg16': there is no such setting"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(plan, toml, line, told):
    assert told in mistakes(plan, toml.replace('"ura_net.fit.steps" = 2', line))


def test_settings_may_be_tables_too(plan, toml):
    nested = toml.replace('"ura_net.fit.steps" = 2\n"ura_net.fit.batch" = 2', "ura_net.fit = { steps = 2, batch = 2 }")
    assert plan(nested) == plan(toml)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('trunks = ["resnet81"]', "no such trunk, the nearest is resnet18"),
        ('trunks = ["timm/"]', "no such trunk"),
        ('trunks = ["restora-tiny"]\nmethods = ["anomalib-padim"]', "anomalib-padim has no other trunk than resnet18"),
        ("methods = []", "at least 1"),
        ("methods = 3", "grid.1.methods"),
        ("seeds = [-1]", "grid.1.seeds"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(plan, toml, line, told):
    rest = "" if "methods" in line else 'methods = ["control"]\n'
    assert told in mistakes(plan, f'{toml}\n[[grid]]\ncategories = ["cap"]\n{rest}{line}\n')


def test_relative_paths_begin_in_the_file_s_folder_and_the_command_line_wins(plan, toml, monkeypatch):
    text = 'data = "sets"\n' + toml.replace('resnet18 = "random"', 'resnet18 = "w.pt"\nvgg16 = "random"')
    made = plan(text + '\n[anomalib]\npython = "env/bin/python"\n').at(Path("/somewhere/else"))
    assert made.weights == {"resnet18": "/somewhere/else/w.pt", "vgg16": "random"}
    assert made.anomalib.python == "/somewhere/else/env/bin/python"
    assert made.root(None) == Path("/somewhere/else/sets")
    assert made.root(Path("mine")) == Path("mine")
    monkeypatch.setenv("RESTORA_DATA", "/of/the/environment")
    assert made.root(None) == Path("/somewhere/else/sets")
    assert plan(toml).root(None) == Path("/of/the/environment")
    monkeypatch.delenv("RESTORA_DATA")
    assert plan(toml).root(None) is None


@pytest.mark.parametrize("name", ["yardstick", "ablations"])
def test_our_own_benchmarks_can_be_read_and_name_no_place_of_one_machine(name):
    from restora.bench.ablations import list_ablations
    from restora.bench.cells import list_cells
    from restora.config import read_settings

    made = read_settings(ROOT / f"benchmarks/accuracy/{name}.toml", BenchmarkSettings)
    assert made.data is None
    named = [*made.weights.values(), made.anomalib.python or "", *(one.path or "" for one in made.categories.values())]
    assert not [path for path in named if Path(path).is_absolute()]
    cells = list_ablations(made) if name == "ablations" else list_cells(made)
    assert {cell.category for cell in cells} == set(made.categories)
    assert set(made.report) == {"screw", "elpv", "chest"}
    assert not set(made.report) & set(made.develop)
    if name == "ablations":  # the sets for the report are printed alone: no mean that lines are compared by has them
        assert set(made.mean) == set(made.develop)
