"""Everything that rules a training run, in one frozen record; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import Field, create_model, field_validator

from restora.errors import SettingsError, inner
from restora.features.settings import TrunkSettings
from restora.methods.settings import MethodSettings, OneOf, Section
from restora.methods.table import METHODS, NAMES, parts, section

Preset = Literal["small", "paper"]
PRESET_NAMES: tuple[Preset, ...] = ("small", "paper")
DEFAULT_METHOD = "ura-net"


class InputSettings(Section):
    """How pictures become the network's input."""

    size: Annotated[str, Field(pattern=r"^\d+x\d+$")] | None = None
    """HEIGHTxWIDTH of the network's input, multiples of 32; without it the median shape at no more than so many pixels.
    """
    pixels: Annotated[int, Field(ge=1024)] = 110_592
    """Most pixels of the input, where size is not given."""
    depth: Annotated[int, Field(ge=1, le=16)] | None = None
    """Bits that 16-bit pictures really use; without it all 16."""
    ignore: str | None = None
    """File of a mask, in the pictures' shape; what is not 0 in it is left out."""

    @field_validator("size")
    @classmethod
    def _usable(cls, size: str | None) -> str | None:
        from restora.images.prepare import parse_size

        if size is not None:
            try:
                parse_size(size)
            except SettingsError as error:
                raise ValueError(inner(str(error))) from None
        return size


class VerdictSettings(Section):
    """What is promised."""

    false_alarms: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of good pictures that may be called defect; without it 0.01, or what the pictures allow."""


class _Run(Section):
    """One run, whole; a section for every method, of which those are used that `method` is made of."""

    method: Annotated[str, OneOf(NAMES)] = DEFAULT_METHOD
    """Which method is trained, or both joined."""
    preset: Preset = "small"
    """Where settings that the file leaves out come from: small trains on two cores, paper has the published sizes."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of all randomness; the same seed, pictures and settings make the same model."""
    input: InputSettings = InputSettings()
    trunk: TrunkSettings = TrunkSettings()
    verdicts: VerdictSettings = VerdictSettings()

    def of(self, method: str) -> MethodSettings:
        """Settings of one method."""
        return cast("MethodSettings", getattr(self, section(method)))

    def unused(self) -> tuple[str, ...]:
        """Keys of the sections of methods that this run does not use."""
        return tuple(section(name) for name in METHODS if name not in parts(self.method))

    @property
    def parts(self) -> dict[str, MethodSettings]:
        """Settings of the methods that this run uses, by name."""
        return {name: self.of(name) for name in parts(self.method)}


if TYPE_CHECKING:
    RunSettings = _Run
else:
    # One field a method, so that a further method needs no line here.
    RunSettings = create_model(
        "RunSettings",
        __base__=_Run,
        __module__=__name__,
        __doc__=_Run.__doc__,
        **{section(name): (entry.settings, entry.presets["small"].settings) for name, entry in METHODS.items()},
    )


def run_preset(method: str = DEFAULT_METHOD, preset: str = "small") -> RunSettings:
    """Every setting of a method's preset.

    Raises SettingsError, with the nearest name, for one that does not exist, and for methods that cannot be joined at a
    preset because each has a trunk of its own there.
    """
    for name, known, what in ((method, NAMES, "method"), (preset, PRESET_NAMES, "preset")):
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.0)
            raise SettingsError(
                f"There is no {what} named {name!r}; the nearest is {near[0]}, all are {', '.join(known)}."
            )
    wanted = [METHODS[name].presets[preset] for name in parts(method)]
    if len({(one.trunk, one.size) for one in wanted}) > 1:
        raise SettingsError(
            f"The methods of {method} have a trunk each at preset {preset}, so they share none; use --preset small."
        )
    sections = {section(name): entry.presets[preset].settings for name, entry in METHODS.items()}
    record: dict[str, Any] = {"method": method, "preset": preset, **sections}
    return RunSettings(**record, input=InputSettings(size=wanted[0].size), trunk=TrunkSettings(name=wanted[0].trunk))


def change_settings(settings: RunSettings, changes: Mapping[str, Any]) -> RunSettings:
    """The settings with others under dotted keys.

    Raises SettingsError for a key that is no setting, or a value out of range.
    """
    try:
        return RunSettings.model_validate(changed_record(settings, changes))
    except ValueError as error:
        raise SettingsError(_first_problem(error)) from None


def changed_record(settings: RunSettings, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The record of settings with others under dotted keys, whatever they are worth.

    Raises SettingsError for a key in a section that there is not.
    """
    record = settings.model_dump()
    for key, value in changes.items():
        *parents, last = key.split(".")
        place: Any = record
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise SettingsError(f"{key} is no setting; see: restora config show")
        place[last] = value
    return record


def _first_problem(error: ValueError) -> str:
    problems: list[Any] = getattr(error, "errors", list)()
    if not problems:
        return str(error)
    first = problems[0]
    reason = inner(str(first["msg"]).removeprefix("Value error, "))
    return f"{'.'.join(str(part) for part in first['loc'])} is {first['input']!r}: {reason}"


def stored_settings(settings: RunSettings) -> dict[str, Any]:
    """Settings as the model folder keeps them: of the methods in use, without a path of this machine (weights and mask
    are known by their hash).
    """
    record = settings.model_dump(mode="json", exclude=set(settings.unused()))
    if record["trunk"]["weights"] not in (None, "random"):
        record["trunk"]["weights"] = None
    record["input"]["ignore"] = None
    return record


def read_stored(record: Mapping[str, Any]) -> RunSettings:
    """The settings of a model folder's manifest, as `stored_settings` made them; methods not in use as in the preset.

    Raises SettingsError for those of another version of the program that no longer fit.
    """
    usual = run_preset(str(record.get("method")), str(record.get("preset")))
    known = {key: value for key, value in record.items() if key in type(usual).model_fields}
    try:
        return RunSettings.model_validate({**usual.model_dump(), **known})
    except ValueError as error:
        raise SettingsError(f"The model's settings are those of another version: {_first_problem(error)}") from None


def recipe(settings: RunSettings) -> dict[str, Any]:
    """The settings without the seed: equal for all rows of one table."""
    record = stored_settings(settings)
    del record["seed"]
    return record
