"""What is settled before anything is computed."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from restora.errors import DataError, PictureError, SettingsError, UsageError
from restora.features.pyramid import Aggregate, load_trunk
from restora.training.ignore import read_ignore
from restora.training.plan import (
    choose_input,
    forecast,
    forecast_disk,
    make_plan,
    open_source,
    prepared_batches,
    resolve_settings,
)
from restora.training.settings import InputSettings, recipe, run_preset, stored_settings


@pytest.fixture(scope="module")
def trunk():
    return load_trunk("resnet18", weights="random")


def test_what_is_named_wins_over_the_preset_and_none_means_not_named():
    made = resolve_settings("small", None, {"seed": 7, "trunk.name": None, "input.size": "64x96"})
    assert (made.seed, made.input.size) == (7, "64x96")
    assert made.trunk.weights is None
    assert made.ura_net == run_preset().ura_net


def test_a_trunk_that_nobody_named_is_chosen_by_what_is_at_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("RESTORA_WEIGHTS", raising=False)
    assert resolve_settings("small", None, {}).trunk.name == "restora-tiny"
    assert resolve_settings("small", None, {"trunk.weights": "random"}).trunk.name == "resnet18"
    assert resolve_settings("paper", None, {}).trunk.name == "wide_resnet50_2"


def test_what_is_named_wins_over_a_configuration(settings):
    made = resolve_settings("paper", settings(), {"seed": 3})
    assert made.preset == "small"  # the configuration's own
    assert made.ura_net == settings().ura_net
    assert made.seed == 3


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("seed", -1, r"seed is -1: .*greater than or equal to 0"),
        ("input.size", "64", r"input\.size is '64'"),
        ("input.size", "64by64", r"input\.size"),
        ("input.pixels", 3, r"input\.pixels is 3: .*1024"),
        ("input.depth", 17, r"input\.depth is 17: .*16"),
        ("verdicts.false_alarms", 0.0, r"verdicts\.false_alarms is 0\.0: .*greater than 0"),
        ("verdicts.false_alarms", 1.0, r"verdicts\.false_alarms is 1\.0: .*less than 1"),
        ("method", "magic", r"no method named 'magic'.*ura-net"),
        ("ura_net.fitt.steps", 3, r"ura_net\.fitt\.steps is no setting"),
        ("ura_net.fit.stepps", 3, r"ura_net\.fit\.stepps is 3: .*not permitted"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_place(key, value, words):
    with pytest.raises(SettingsError, match=words) as caught:
        resolve_settings("small", None, {key: value})
    assert "\n" not in str(caught.value)


def test_an_unknown_preset_names_those_there_are():
    with pytest.raises(SettingsError, match=r"no preset named 'large'; .*small, paper"):
        resolve_settings("large", None, {})


def test_stored_settings_hold_no_path_and_a_recipe_no_seed():
    made = resolve_settings(
        "small", None, {"trunk.weights": "/home/me/w.safetensors", "input.ignore": "/home/me/m.png"}
    )
    assert "/home" not in str(stored_settings(made))
    assert "seed" in stored_settings(made)
    assert "seed" not in recipe(made)
    other = resolve_settings("small", None, {"trunk.weights": "/srv/w.safetensors", "seed": 5})
    assert recipe(made) == recipe(other)
    assert stored_settings(resolve_settings("small", None, {"trunk.weights": "random"}))["trunk"]["weights"] == "random"


# ------------------------------------------------------------------------------------------------ sources


@pytest.mark.parametrize("shape", [(5, 8, 9), (5, 8, 9, 1), (5, 8, 9, 3)])
def test_arrays_are_a_data_set_of_good_pictures(shape):
    dataset = open_source(np.zeros(shape, np.uint8), None)
    assert [item.name for item in dataset.good("train")] == [f"array-{n:06d}" for n in range(5)]
    assert dataset.name == "arrays"


def test_a_list_may_hold_arrays_paths_and_images(tmp_path, pictures):
    path = tmp_path / "one.png"
    Image.fromarray(pictures(1)[0]).save(path)
    given = [pictures(1)[0], path, str(path), Image.open(path), path.read_bytes()]
    dataset = open_source(given, None)
    seen = list(prepared_batches(dataset.items, (64, 64), None, 2))
    assert [len(batch) for batch in seen] == [2, 2, 1]
    assert all((picture == pictures(1)[0]).all() for batch in seen for picture in batch)
    assert len(make_plan(run_preset(), dataset, load_trunk("resnet18", weights="random")).split.digests) == 5


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 3), (64, 64, 4), (64, 64, 1)])
def test_one_picture_is_not_taken_for_many(shape):
    with pytest.raises(DataError, match=rf"shape {re.escape(str(shape))} is one picture; .* \[N, H, W\]"):
        open_source(np.zeros(shape, np.uint8), None)


@pytest.mark.parametrize("nothing", [[], np.zeros((0, 64, 64), np.uint8), iter(())])
def test_no_arrays_are_no_pictures(nothing):
    with pytest.raises(DataError, match="at least one array"):
        open_source(nothing, None)


def test_a_picture_that_cannot_be_read_stops_before_training(tmp_path, trunk):
    (tmp_path / "a.png").write_bytes(b"")
    dataset = open_source(tmp_path, None)
    with pytest.raises(PictureError, match=r"a\.png"):
        make_plan(run_preset(), dataset, trunk)


def test_the_notes_of_a_data_set_are_said_once(tmp_path, pictures):
    for part, picture in zip(("train", "validation", "test"), pictures(3), strict=True):
        folder = tmp_path / part / "good/rgb"
        folder.mkdir(parents=True)
        Image.fromarray(picture).save(folder / "000.png")
    said: list[str] = []
    dataset = open_source(tmp_path, None, said.append)
    assert dataset == open_source(tmp_path, None)
    assert said == list(dataset.notes)
    assert len(said) == 1
    assert "1 picture of validation/good" in said[0]


# --------------------------------------------------------------------------------------------------- plans


def test_the_size_is_as_named_or_from_the_pictures(pictures):
    items = open_source(np.zeros((3, 100, 130, 3), np.uint8), None).items
    assert choose_input(InputSettings(size="64x96"), items) == (64, 96)
    assert choose_input(InputSettings(), items) == (96, 128)
    height, width = choose_input(InputSettings(pixels=4096), items)
    assert height * width <= 4096


@pytest.mark.parametrize(("size", "near"), [("48x64", "64x64"), ("0x64", "32x64"), ("65x129", "64x128")])
def test_a_size_the_trunk_cannot_take_names_the_nearest(size, near):
    with pytest.raises(SettingsError, match=f"{size} .*{near}"):
        resolve_settings("small", None, {"input.size": size})


def test_steps_are_named_or_counted_from_epochs(trunk, pictures, settings):
    data = open_source(pictures(10), None)  # half of ten are kept back
    assert make_plan(settings(), data, trunk).steps == {"ura-net": 40}
    assert make_plan(settings(steps=None, epochs=3, batch=4), data, trunk).steps == {
        "ura-net": 4
    }  # 15 pictures in fours
    control = settings().model_dump()
    control["ura_net"]["restorer"]["body"] = "none"
    assert make_plan(type(settings()).model_validate(control), data, trunk).steps == {"ura-net": 0}


def test_the_identity_is_that_of_all_that_decides(trunk, pictures, settings):
    data = open_source(pictures(10), None)
    plan = make_plan(settings(), data, trunk)
    assert make_plan(settings(), open_source(pictures(10), None), trunk).identity == plan.identity
    others = [
        make_plan(settings().model_copy(update={"seed": 1}), data, trunk),
        make_plan(settings(batch=5), data, trunk),
        make_plan(settings(), open_source(pictures(10, seed=1), None), trunk),
        make_plan(settings(), open_source(pictures(10)[::-1], None), trunk),
        make_plan(settings(), data, load_trunk("resnet18", weights="random", seed=1)),
        make_plan(settings(), data, trunk, ["an ignore mask"]),
    ]
    assert len({plan.identity, *(other.identity for other in others)}) == 7


def test_forecasts_name_pictures_steps_time_memory_and_disk(trunk, pictures, settings):
    plan = make_plan(settings(), open_source(pictures(20), None), trunk)
    aggregate = Aggregate(settings().ura_net.pyramid, trunk.levels)
    sentence = forecast(plan, "ura-net", aggregate, parameters=1_000_000, step_seconds=6.0)
    assert "10 pictures to fit, 10 to calibrate, 64x64 pixels; 40 steps in about 4.0 minutes" in sentence
    assert re.search(r"0\.\d GB of memory", sentence)
    # 128 x 8 x 8 + 256 x 4 x 4 numbers of two bytes a picture
    assert "10 pictures: 0 MB of disk" in forecast_disk(plan, aggregate)


def test_a_data_set_without_good_pictures_says_where_to_look(trunk, tmp_path):
    (tmp_path / "table.csv").write_text("path,label\n", encoding="utf-8")
    with pytest.raises(DataError):
        make_plan(run_preset(), open_source(tmp_path / "table.csv", None), trunk)


# -------------------------------------------------------------------------------------------------- ignoring


@pytest.fixture
def plan(trunk, settings):
    return make_plan(settings(), open_source(np.zeros((1, 128, 64, 3), np.uint8), None), trunk)


def write_mask(path, *places: tuple[slice, slice], shape: tuple[int, int] = (128, 64)) -> str:
    mask = np.zeros(shape, np.uint8)
    for place in places:
        mask[place] = 255
    Image.fromarray(mask).save(path)
    return str(path)


def test_a_cell_is_left_out_when_any_of_it_is(tmp_path, plan):
    # pictures of 128 x 64 at 64 x 64: a cell of the map is 8 x 4 picture pixels
    path = write_mask(tmp_path / "m.png", (slice(8, 9), slice(4, 5)), (slice(120, 128), slice(60, 64)))
    mask = read_ignore(path, plan)
    expected = np.zeros((16, 16), bool)
    expected[1, 1] = expected[15, 15] = True
    np.testing.assert_array_equal(mask.places, expected)


def test_the_stored_mask_is_the_one_given(tmp_path, plan):
    from restora.images.read import read_mask

    path = write_mask(tmp_path / "m.png", (slice(3, 70), slice(5, 9)))
    stored = tmp_path / "stored.png"
    stored.write_bytes(read_ignore(path, plan).png)
    np.testing.assert_array_equal(read_mask(stored), read_mask(path))


def test_a_mask_of_another_size_or_of_everything_is_refused(tmp_path, plan):
    with pytest.raises(DataError, match=r"64x64, the pictures 128x64"):
        read_ignore(write_mask(tmp_path / "small.png", shape=(64, 64)), plan)
    with pytest.raises(DataError, match="leaves nothing to look at"):
        read_ignore(write_mask(tmp_path / "all.png", (slice(None), slice(None))), plan)


def test_a_mask_that_is_not_there_is_refused(tmp_path, plan):
    with pytest.raises(UsageError, match=r"none\.png"):
        read_ignore(str(tmp_path / "none.png"), plan)
