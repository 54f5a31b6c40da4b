"""What every method's settings owe to the one TOML file, to the presets and to the fingerprint of a recipe."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import TypeVar

import pytest
from pydantic import BaseModel, ValidationError

from restora.bundle import hash_settings
from restora.config import from_toml, load_settings, to_toml
from restora.errors import SettingsError
from restora.methods.settings import MethodSettings
from restora.methods.table import METHODS, NAMES, parts, section
from restora.training.settings import PRESET_NAMES, RunSettings, recipe, run_preset

from .small import small_settings

Record = TypeVar("Record", bound=BaseModel)


def sections(record: BaseModel) -> Iterator[BaseModel]:
    """A record and all that are inside it."""
    yield record
    for name in type(record).model_fields:
        if isinstance(inner := getattr(record, name), BaseModel):
            yield from sections(inner)


def places(record: BaseModel, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where every single setting stands."""
    for name in type(record).model_fields:
        inner = getattr(record, name)
        if isinstance(inner, BaseModel):
            yield from places(inner, (*above, name))
        else:
            yield (*above, name)


def altered(record: Record, place: tuple[str, ...]) -> Record:
    """The record with a word in the place of one setting; whether it may stand there is not asked."""
    name, *rest = place
    value = altered(getattr(record, name), tuple(rest)) if rest else "something else"
    return record.model_copy(update={name: value})


def fingerprints(method: str, single: str, variants: list[MethodSettings]) -> set[str]:
    """Those of runs of `method` whose settings of `single` differ."""
    run = run_preset().model_copy(update={"method": method})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's, of what `altered` puts in
        runs = [run.model_copy(update={section(single): variant}) for variant in variants]
        return {hash_settings(recipe(one)) for one in runs}


def test_a_key_in_toml_and_in_the_run_is_made_of_the_name(single):
    assert section(single).isidentifier()
    assert isinstance(run_preset(single).of(single), METHODS[single].settings)


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_every_section_is_frozen_and_knows_its_keys(single, preset):
    for record in sections(METHODS[single].presets[preset].settings):
        name = next(iter(type(record).model_fields))
        with pytest.raises(ValidationError, match="frozen"):
            setattr(record, name, getattr(record, name))
        with pytest.raises(ValidationError, match="not permitted"):
            type(record).model_validate({**record.model_dump(), "xyzzy": 1})


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_a_preset_survives_the_file_or_says_why_there_is_none(method, preset, tmp_path):
    if len({(METHODS[part].presets[preset].trunk, METHODS[part].presets[preset].size) for part in parts(method)}) > 1:
        with pytest.raises(SettingsError, match="a trunk each") as caught:
            run_preset(method, preset)
        assert "\n" not in str(caught.value)
        return
    settings = run_preset(method, preset)
    for left_out in ((), settings.unused()):
        (tmp_path / "run.toml").write_text(to_toml(settings, leave_out=left_out), encoding="utf-8")
        assert load_settings(tmp_path / "run.toml") == settings
    assert set(settings.parts) == set(parts(method))


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_a_preset_says_what_its_training_needs(single, preset):
    settings = METHODS[single].presets[preset].settings
    assert isinstance(settings, MethodSettings)
    assert settings.trains is True
    assert type(settings.textures_wanted) is int
    assert settings.textures_wanted >= 0


def test_an_unknown_key_in_the_file_is_named(single):
    with pytest.raises(SettingsError, match=rf"{section(single)}\.xyzzy \(line 3\) is not a setting"):
        from_toml(f'method = "{single}"\n[{section(single)}]\nxyzzy = 1\n', RunSettings)


def test_a_recipe_is_that_of_every_setting_in_use(single):
    """And of no other: alone, joined with others, and where another method is used."""
    settings = small_settings(single)
    variants = [settings, *(altered(settings, place) for place in places(settings))]
    assert len(variants) > 10
    for method in NAMES:
        found = fingerprints(method, single, variants)
        assert len(found) == (len(variants) if single in parts(method) else 1), method


def test_reading_settings_loads_no_torch():
    code = "import sys, restora.training.settings as s; s.run_preset(); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
