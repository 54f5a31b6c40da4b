"""What a benchmark is to do: one TOML file as frozen records; no torch.

Names are checked against what there is, and every mistake of a file is told at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, field_validator, model_validator

from restora.bench.checks import fault, flatten, nearest, wrong_names
from restora.features.settings import RANDOM
from restora.methods.settings import Section
from restora.training.settings import Preset

DRAWN = "drawn:"
DATA_VARIABLE = "RESTORA_DATA"

Seeds = tuple[Annotated[int, Field(ge=0)], ...]
Names = tuple[str, ...]

_FOLDERS = ("normal", "abnormal", "normal_test", "masks")


class Category(Section):
    """The pictures of a category: `path` below the data root, or a product that is drawn into the run's folder.

    A text stands for either: a path, or `drawn:PRODUCT`. Folders of `path` may be named one by one, as
    `images.layouts.folders.Folders` takes them. The other keys are those of `demo.write.write_products`; `hard` is the
    share of the defects that are found after a look only.
    """

    path: str | None = None
    normal: str | None = None
    abnormal: str | None = None
    normal_test: str | None = None
    masks: str | None = None
    drawn: str | None = None
    good: Annotated[int, Field(ge=1)] = 160
    test_good: Annotated[int, Field(ge=1)] = 60
    defective: Annotated[int, Field(ge=1)] = 12
    size: Annotated[int, Field(ge=32)] = 256
    seed: Annotated[int, Field(ge=0)] = 0
    hard: Annotated[float, Field(ge=0, le=1)] = 0.15

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return {"drawn": value.removeprefix(DRAWN)} if value.startswith(DRAWN) else {"path": value}

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        from restora.demo.draw import PRODUCTS

        if (self.path is None) == (self.drawn is None):
            raise ValueError("a category has either a path or a drawn product")
        if self.folders and self.path is None:
            raise ValueError(f"{', '.join(self.folders)}: folders are those of a path, and it has none")
        if self.drawn is not None and self.drawn not in PRODUCTS:
            raise ValueError(f"there is no drawn product {self.drawn!r}{nearest(self.drawn, PRODUCTS)}")
        return self

    def facts(self) -> dict[str, Any]:
        """All that decides which pictures these are, but for the data root."""
        if self.path is not None:
            return {"path": self.path, **self.folders}
        return self.model_dump(exclude={"path", *_FOLDERS})

    @property
    def folders(self) -> dict[str, str]:
        """The folders that are named one by one."""
        return {name: folder for name in _FOLDERS if (folder := getattr(self, name)) is not None}


class Grid(Section):
    """Every row with every trunk on every category with every seed."""

    methods: Annotated[Names, Field(min_length=1)]
    categories: Annotated[Names, Field(min_length=1)]
    trunks: Annotated[Names, Field(min_length=1)] = ("resnet18",)
    seeds: Annotated[Seeds, Field(min_length=1)] = (0,)


class AnomalibSettings(Section):
    """The Python of an environment that holds anomalib, and how long one of its fits may take."""

    python: str | None = None
    minutes: Annotated[float, Field(gt=0)] = 15.0


class AblationSettings(Section):
    """Where the parts of the methods are taken away one by one; `steps` by method, the preset's unless stated."""

    categories: Annotated[Names, Field(min_length=1)]
    trunk: str = "resnet18"
    seeds: Annotated[Seeds, Field(min_length=1)] = (0,)
    steps: dict[str, Annotated[int, Field(ge=1)]] = Field(default={})


class BenchmarkSettings(Section):
    """A benchmark, whole.

    data       : folder that categories' paths begin in; --data and RESTORA_DATA name it as well
    weights    : file of a trunk's weights (or `random`) by trunk; those at hand unless stated
    threads    : processor threads of every cell
    settings   : settings of all rows by dotted key, where they differ from the preset
    develop, report : groups of categories, shown apart; mean: categories whose mean is taken

    Relative paths begin in the file's folder.
    """

    data: str | None = None
    weights: dict[str, str] = Field(default={})
    threads: Annotated[int, Field(ge=1, le=1024)] = 2
    preset: Preset = "small"
    categories: Annotated[dict[str, Category], Field(min_length=1)]
    develop: Names = ()
    report: Names = ()
    mean: Names = ()
    settings: dict[str, Any] = Field(default={})
    grid: tuple[Grid, ...] = ()
    anomalib: AnomalibSettings = AnomalibSettings()
    ablations: AblationSettings | None = None

    @field_validator("settings", mode="before")
    @classmethod
    def _dotted(cls, value: Any) -> Any:
        return dict(flatten(value)) if isinstance(value, dict) else value

    @model_validator(mode="wrap")
    @classmethod
    def _tell_all_mistakes(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Wrong names stand beside whatever else is wrong, so that a file's mistakes come in one sentence."""
        faults = list(wrong_names(values)) if isinstance(values, dict) else []
        try:
            settings = handler(values)
        except ValidationError as error:
            faults = [fault(one["loc"], one["input"], one["msg"], one["type"]) for one in error.errors()] + faults
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, faults)
        return settings

    def at(self, folder: Path) -> Self:
        """The same with its paths made absolute; relative ones begin in `folder`."""
        weights = {name: path if path == RANDOM else _from(folder, path) for name, path in self.weights.items()}
        python = None if self.anomalib.python is None else _from(folder, self.anomalib.python)
        return self.model_copy(
            update={
                "data": None if self.data is None else _from(folder, self.data),
                "weights": weights,
                "anomalib": self.anomalib.model_copy(update={"python": python}),
            }
        )

    def root(self, data: Path | None = None) -> Path | None:
        """The data root: as named on the command line, in the file, in the environment; None where nobody named one."""
        named = str(data) if data is not None else self.data or os.environ.get(DATA_VARIABLE)
        return None if not named else Path(named).expanduser()


def _from(folder: Path, path: str) -> str:
    # not resolved: the Python of a virtual environment is a link that must be called by its own name
    return os.path.abspath(folder / Path(path).expanduser())
