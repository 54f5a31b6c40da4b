"""Names in a benchmark's file that stand for nothing, told in the form in which all its mistakes are told; no torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from restora.bench.rows import ANOMALIB_TRUNK, ROWS
from restora.features.settings import TRUNKS, is_trunk
from restora.training.settings import PRESET_NAMES, RunSettings, changed_record, run_preset

# Settings that the grid rules, or the weights of a trunk.
RULED = ("method", "preset", "seed", "trunk.name", "trunk.weights")

Place = tuple[str | int, ...]


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence on an unknown name: which is nearest, or which there are."""
    known = list(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f", the nearest is {near[0]}" if near else f"; there are {', '.join(known)}"


def flatten(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of nested tables."""
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{above}{key}.")
        else:
            yield above + key, value


def fault(place: Place, value: Any, sentence: str, kind: str = "name") -> InitErrorDetails:
    """One mistake as pydantic tells its own."""
    return InitErrorDetails(type=PydanticCustomError(kind, sentence), loc=place, input=value)


def wrong_names(values: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    """Mistakes in the raw values of a file; what is no name at all is told elsewhere."""
    categories = _table(values, "categories")
    grids = values.get("grid")
    for number, grid in enumerate(grids if isinstance(grids, list | tuple) else ()):
        if isinstance(grid, dict):
            yield from _in_grid(("grid", number), grid, categories)
    for key in ("develop", "report", "mean"):
        yield from _unknown((key,), values.get(key), categories, "category")
    ablations = _table(values, "ablations")
    yield from _unknown(("ablations", "categories"), ablations.get("categories"), categories, "category")
    yield from _unknown(("ablations", "trunk"), [ablations.get("trunk")], TRUNKS, "trunk", is_trunk)
    methods = [row.method for row in ROWS.values() if row.kind == "trained"]
    yield from _unknown(("ablations", "steps"), list(_table(ablations, "steps")), methods, "method")
    yield from _unknown(("weights",), list(_table(values, "weights")), TRUNKS, "trunk", is_trunk)
    yield from _in_settings(dict(flatten(_table(values, "settings"))), values.get("preset"))


def _in_grid(place: Place, grid: Mapping[str, Any], categories: Collection[str]) -> Iterator[InitErrorDetails]:
    yield from _unknown((*place, "methods"), grid.get("methods"), ROWS, "row")
    yield from _unknown((*place, "trunks"), grid.get("trunks"), TRUNKS, "trunk", is_trunk)
    yield from _unknown((*place, "categories"), grid.get("categories"), categories, "category")
    peers = [name for name in _texts(grid.get("methods")) if name in ROWS and ROWS[name].kind == "anomalib"]
    others = [trunk for trunk in _texts(grid.get("trunks")) if trunk != ANOMALIB_TRUNK]
    if peers and others:
        sentence = f"{peers[0]} has no other trunk than {ANOMALIB_TRUNK}; give it a grid of its own"
        yield fault((*place, "trunks"), others[0], sentence)


def _in_settings(changes: Mapping[str, Any], preset: Any) -> Iterator[InitErrorDetails]:
    usual = run_preset(preset=preset if preset in PRESET_NAMES else "small")
    known = [key for key, _ in flatten(usual.model_dump()) if key not in RULED]
    for key, value in changes.items():
        if key not in known:
            yield fault(("settings", key), value, f"there is no such setting{nearest(key, known)}")
    try:
        RunSettings.model_validate(changed_record(usual, {key: changes[key] for key in changes if key in known}))
    except ValidationError as error:
        for one in error.errors():
            yield fault(("settings", ".".join(str(part) for part in one["loc"])), one["input"], one["msg"])


def _unknown(
    place: Place, names: Any, known: Iterable[str], what: str, test: Callable[[str], bool] | None = None
) -> Iterator[InitErrorDetails]:
    known = list(known)
    for name in _texts(names):
        if name not in known and not (test is not None and test(name)):
            yield fault(place, name, f"there is no such {what}{nearest(name, known)}")


def _texts(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list | tuple) else []


def _table(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = values.get(key)
    return value if isinstance(value, dict) else {}
