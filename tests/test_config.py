from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from restora.bundle import hash_settings
from restora.config import from_toml, load_settings, read_settings, to_toml
from restora.errors import SettingsError, UsageError
from restora.features.settings import TrunkSettings
from restora.methods.settings import FitSettings
from restora.methods.table import METHODS
from restora.methods.ura_net.settings import UraNetSettings
from restora.training.settings import (
    PRESET_NAMES,
    RunSettings,
    read_stored,
    recipe,
    run_preset,
    stored_settings,
)


class Oven(BaseModel):
    """How the oven is driven."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    heat: float = Field(default=180.0, gt=0, le=300, description="Degrees Celsius.")
    racks: tuple[int, ...] = (1, 2)


class Cake(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["plain", "marble"] = Field(default="plain", description="Which cake.")
    eggs: int = Field(default=3, ge=1, le=12, description="How many eggs.")
    icing: str | None = Field(default=None, description="Colour of the icing.")
    oven: Oven = Oven()


def test_what_is_nested_too_deep_is_no_settings():
    with pytest.raises(SettingsError, match="nested too deep"):
        from_toml("a = " + "[" * 5000 + "]" * 5000, Cake)


def test_a_device_is_no_settings():
    with pytest.raises(UsageError, match="pipe or a device"):
        read_settings("/dev/zero", Cake)


@pytest.mark.parametrize(
    "cake", [Cake(), Cake(kind="marble", eggs=12, icing='a "blue" one', oven=Oven(heat=0.1, racks=()))]
)
def test_what_is_written_reads_back_equal(cake):
    assert from_toml(to_toml(cake), Cake) == cake


def test_every_key_has_its_meaning_and_range_above_it():
    lines = to_toml(Cake()).splitlines()
    at = lines.index("eggs = 3")
    assert lines[at - 2 : at] == ["# How many eggs.", "# allowed: a whole number, at least 1, at most 12"]
    assert '# allowed: "plain" or "marble"' in lines
    assert 'icing = "none"' in lines  # TOML has no null
    assert lines.index("# How the oven is driven.") + 1 == lines.index("[oven]")


def test_two_mistakes_are_both_named_with_place_nearest_key_and_range():
    with pytest.raises(SettingsError) as caught:
        from_toml("egs = 4\n\n[oven]\nheat = 500.0\n", Cake, where="cake.toml")
    sentence = str(caught.value)
    assert sentence.startswith("cake.toml: ")
    assert "egs (line 1) is not a setting, the nearest is eggs" in sentence
    assert "oven.heat (line 4) is 500.0, allowed is more than 0, at most 300" in sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind = 'fruit'", 'kind (line 1) is \'fruit\', allowed is "plain" or "marble"'),
        ("eggs = 'many'", "eggs (line 1) is 'many', allowed is a whole number, at least 1, at most 12"),
        ("[oven]\nheet = 1", "oven.heet (line 2) is not a setting, the nearest is oven.heat"),
        ("[oven]\nxyzzy = 1", "oven.xyzzy (line 2) is not a setting, known are heat, racks"),
        ("eggs = ", "this is not TOML"),
        ("[oven]\nracks = ['low']", "oven.racks.0 (line 2) is 'low', allowed is a whole number"),
    ],
)
def test_a_mistake_is_one_sentence(text, words):
    with pytest.raises(SettingsError) as caught:
        from_toml(text, Cake)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path):
    with pytest.raises(UsageError, match=r"none\.toml: the settings cannot be read \(No such file"):
        read_settings(tmp_path / "none.toml", Cake)
    (tmp_path / "picture.toml").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(SettingsError, match="not a text file"):
        read_settings(tmp_path / "picture.toml", Cake)


def test_a_setting_left_open_against_its_preset_survives_the_file(tmp_path: Path):
    # the preset has steps; a record without them must not get them back from the preset
    settings = RunSettings(ura_net=UraNetSettings(fit=FitSettings(steps=None, batch=5)))
    (tmp_path / "run.toml").write_text(to_toml(settings))
    assert load_settings(tmp_path / "run.toml") == settings


def test_what_a_file_leaves_out_is_as_in_the_preset_it_names(tmp_path: Path):
    (tmp_path / "run.toml").write_text('preset = "paper"\n[ura_net.fit]\nbatch = 3\n')
    settings = load_settings(tmp_path / "run.toml")
    paper = run_preset(preset="paper").ura_net
    assert settings.ura_net.fit.batch == 3
    assert settings.ura_net.fit.learning_rate == paper.fit.learning_rate
    assert settings.ura_net.restorer == paper.restorer


def test_a_rule_between_keys_is_told_without_the_whole_table(tmp_path: Path):
    (tmp_path / "run.toml").write_text("[ura_net.attention]\nown_tokens = false\nglobal_tokens = 0\n")
    with pytest.raises(SettingsError, match=r"ura_net\.attention \(line 1\): attention has no keys"):
        load_settings(tmp_path / "run.toml")


@pytest.mark.parametrize("names", [("ura-nett", "small", "ura-net"), ("ura-net", "smal", "small")])
def test_an_unknown_preset_or_method_names_the_nearest(names):
    method, preset, nearest = names
    with pytest.raises(UsageError, match=f"the nearest is {nearest}"):
        run_preset(method, preset)


def records(record: BaseModel, place: str = "") -> Iterator[tuple[str, BaseModel]]:
    """A record of settings and all inside it, by dotted place."""
    yield place, record
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, BaseModel):
            yield from records(value, f"{place}{name}.")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_every_key_of_a_training_says_what_it_means_and_what_it_may_be(method, preset):
    settings = run_preset(method, preset)
    text = to_toml(settings)
    assert from_toml(text, RunSettings) == settings
    blocks = [block.splitlines() for block in text.split("\n\n")]
    keys = [block for block in blocks if not block[-1].startswith(("#", "["))]
    for *comment, key in keys:
        assert comment, key
        assert all(line.startswith("# ") for line in comment), key
        assert not comment[0].startswith("# allowed: "), key
        any_text = key.partition(" = ")[0] in ("name", "weights", "ignore")
        assert comment[-1].startswith("# allowed: ") is not any_text, key
    values = [
        name for _, record in records(settings) for name in type(record).model_fields
        if not isinstance(getattr(record, name), BaseModel)
    ]  # fmt: skip
    assert len(keys) == len(values)


def test_meanings_are_in_no_hash():
    assert all("description" not in name for name in recipe(run_preset()))
    assert hash_settings(recipe(run_preset())) == hash_settings(recipe(RunSettings.model_validate({})))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'method = "ura-nett"',
            "method (line 1) is 'ura-nett': the nearest is ura-net, all are ura-net, mfr-net, both",
        ),
        (
            '[trunk]\nname = "resnet19"',
            "trunk.name (line 2) is 'resnet19': there is no trunk named 'resnet19'; the nearest",
        ),
        ('[input]\nsize = "100x100"', "height and width must be multiples of 32; the nearest is 96x96"),
        ('[input]\nsize = "large"', "input.size (line 2) is 'large', allowed is written as"),
        ("[ura_net.fit]\nbatch = 2.5", "ura_net.fit.batch (line 2) is 2.5, allowed is a whole number, at least 1"),
        ('[ura_net.attention]\nown_tokens = "some"', "own_tokens (line 2) is 'some', allowed is true or false"),
    ],
)
def test_a_mistake_in_a_training_is_told_beside_another(tmp_path: Path, text, words):
    (tmp_path / "run.toml").write_text(f"{text}\n[verdicts]\nfalse_alarm = 0.1\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "run.toml")
    assert words in str(caught.value)
    assert "verdicts.false_alarm (line" in str(caught.value)
    assert "the nearest is verdicts.false_alarms" in str(caught.value)


def test_stored_settings_are_read_back(tmp_path: Path):
    fit = FitSettings(steps=None, epochs=7, batch=5)
    settings = RunSettings(seed=3, ura_net=UraNetSettings(fit=fit), trunk=TrunkSettings(name="resnet18"))
    stored = {**stored_settings(settings), "steps": 14}  # as a manifest has it
    assert read_stored(json.loads(json.dumps(stored))) == settings
    (tmp_path / "run.toml").write_text(to_toml(read_stored(stored), leave_out=settings.unused()))
    assert load_settings(tmp_path / "run.toml") == settings


def test_stored_settings_of_another_version_are_refused_in_one_sentence():
    stored = stored_settings(run_preset())
    stored["ura_net"]["fit"]["speed"] = 3
    with pytest.raises(SettingsError, match=r"another version: ura_net\.fit\.speed is 3"):
        read_stored(stored)
