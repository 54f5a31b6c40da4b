"""Every knob of a training in one commented TOML file, and back.

The settings are frozen pydantic records that live in the rooms they belong to; this file only writes them out, reads
them in, and says in words what is wrong with a file. Mistakes are collected: a file with two of them names both.
"""

from __future__ import annotations

import inspect
import io
import re
import tomllib
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import tomli_w
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from restora.errors import SettingsError, UsageError
from restora.images.files import open_file

if TYPE_CHECKING:
    from restora.training.settings import RunSettings

Record = TypeVar("Record", bound=BaseModel)
Base = Callable[[Mapping[str, Any]], Mapping[str, Any]]

# TOML has no word for "nothing"; this one is read and written where a setting may be left open.
NONE = "none"

# What bounds and choices do not say by themselves.
_KINDS = {bool: "true or false", int: "a whole number"}

_BOUNDS = {
    "ge": "at least {}",
    "gt": "more than {}",
    "le": "at most {}",
    "lt": "less than {}",
    "multiple_of": "a multiple of {}",
    "min_length": "at least {} of them",
    "pattern": "written as {}",
}


def load_settings(path: str | Path) -> RunSettings:
    """Read the settings of a training from a TOML file; what the file leaves out is as in the preset it names.

    Raises UsageError when the file cannot be read and SettingsError, one sentence with every mistake, when it does
    not hold settings.
    """
    from restora.training.settings import DEFAULT_METHOD, RunSettings, run_preset

    def base(values: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return run_preset(
                str(values.get("method", DEFAULT_METHOD)), str(values.get("preset", "small"))
            ).model_dump()
        except SettingsError:  # a name that does not exist is told with whatever else is wrong
            return {}

    return read_settings(path, RunSettings, base=base)


def read_settings(path: str | Path, kind: type[Record], *, base: Base | None = None) -> Record:
    """Read one TOML file into a record of `kind`; raises as `load_settings` does."""
    try:
        with io.TextIOWrapper(open_file(path), "utf-8") as stream:
            text = stream.read()
    except UnicodeDecodeError:
        raise SettingsError(
            f"{path}: this is not a text file; `restora config show` prints one to begin with."
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: the settings cannot be read ({error.strerror}); name a TOML file.") from None
    return from_toml(text, kind, where=str(path), base=base)


def from_toml(text: str, kind: type[Record], *, where: str = "settings", base: Base | None = None) -> Record:
    """Turn TOML text into a record of `kind`.

    where : names the text in the SettingsError, which tells all its mistakes
    base  : from the text's values to those that hold where it says nothing; the record's own defaults if None
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where}: this is not TOML: {error}; correct that line.") from None
    except RecursionError:
        raise SettingsError(f"{where}: the tables are nested too deep to be settings; name another file.") from None
    values = _open_ends(values, kind)
    try:
        return kind.model_validate(_merge(base(values), values) if base is not None else values)
    except ValidationError as error:
        raise SettingsError(f"{where}: {explain(error, kind, text)}.") from None


def _open_ends(values: Mapping[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    """Read `NONE` as None in every setting that may be left open."""
    read: dict[str, Any] = {}
    for name, value in values.items():
        field = kind.model_fields.get(name)
        record = _record_in(field.annotation) if field is not None else None
        if isinstance(value, dict) and record is not None:
            read[name] = _open_ends(value, record)
        else:
            open_end = value == NONE and field is not None and _may_be_none(field.annotation)
            read[name] = None if open_end else value
    return read


def _merge(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in values.items():
        below = merged.get(name)
        merged[name] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def explain(error: ValidationError, kind: type[BaseModel], text: str = "") -> str:
    """Say every mistake of `error` in words: the place, what came, what is allowed or which key was meant."""
    lines = _key_lines(text)
    return "; ".join(_explain_one(dict(fault), kind, lines) for fault in error.errors(include_url=False))


def to_toml(settings: BaseModel, leave_out: Sequence[str] = ()) -> str:
    """Write a record as TOML: a comment with meaning and range above each key, a table for each record inside it.

    `leave_out`: keys of the record that are not written.
    """
    return "\n".join(_lines(settings, (), leave_out)).strip() + "\n"


def _lines(settings: BaseModel, place: tuple[str, ...], leave_out: Sequence[str] = ()) -> Iterator[str]:
    inner: list[tuple[str, BaseModel]] = []
    for name, field in type(settings).model_fields.items():
        if name in leave_out:
            continue
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            inner.append((name, value))
            continue
        yield from (f"# {line}" for line in _comment(field))
        yield f"{name} = {_value(value)}"
        yield ""
    for name, record in inner:
        yield from (f"# {line}".rstrip() for line in inspect.cleandoc(type(record).__doc__ or "").splitlines())
        yield f"[{'.'.join((*place, name))}]"
        yield ""
        yield from _lines(record, (*place, name))


def _value(value: Any) -> str:
    """One value in TOML, an array on one line."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(_value(part) for part in value)}]"
    plain = NONE if value is None else str(value) if isinstance(value, Path) else value
    return tomli_w.dumps({"_": plain}).removeprefix("_ = ").rstrip("\n")


def _comment(field: FieldInfo) -> list[str]:
    allowed = allowed_values(field)
    about = inspect.cleandoc(field.description or "").splitlines()
    return [*about, *([f"allowed: {allowed}"] if allowed else [])]


def allowed_values(field: FieldInfo) -> str:
    """Say in words what a setting may be, e.g. ``a whole number, at least 1, at most 64``; "" for any text."""
    choices, bounds = _rules(field.annotation, tuple(field.metadata))
    said = [f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices]
    kinds = [words for kind, words in _KINDS.items() if kind in _plain_types(field.annotation)]
    said += [", ".join([*kinds, *bounds])] if kinds or bounds else []
    if said and _may_be_none(field.annotation):
        said.append(f'"{NONE}"')
    return " or ".join(said)


def _plain_types(annotation: Any) -> set[Any]:
    """The types that a value may have, also inside a union, an array or an annotation; choices have none."""
    if typing.get_origin(annotation) is typing.Literal:
        return set()
    parts = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        parts = parts[:1]
    return set().union(*map(_plain_types, parts)) if parts else {annotation}


def _rules(annotation: Any, metadata: tuple[Any, ...]) -> tuple[list[Any], list[str]]:
    """Choices and bounds of a type, also of those inside a union or an array."""
    choices: list[Any] = []
    for rule in metadata:
        choices += [choice for choice in getattr(rule, "choices", ()) if choice not in choices]
    bounds = [
        words.format(getattr(rule, name))
        for rule in metadata
        for name, words in _BOUNDS.items()
        if getattr(rule, name, None) is not None
    ]
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return [*choices, *parts], bounds
    if origin is typing.Annotated:
        parts, metadata = parts[:1], parts[1:]
        inner = [_rules(parts[0], _flat(metadata))]
    else:
        inner = [_rules(part, ()) for part in parts if part is not Ellipsis]
    for more_choices, more_bounds in inner:
        choices += [choice for choice in more_choices if choice not in choices]
        bounds += [bound for bound in more_bounds if bound not in bounds]
    return choices, bounds


def _flat(metadata: tuple[Any, ...]) -> tuple[Any, ...]:
    """The rules inside ``Field(ge=1)``, which an annotation keeps folded until it is a field of its own."""
    return tuple(rule for entry in metadata for rule in (entry.metadata if isinstance(entry, FieldInfo) else (entry,)))


def _may_be_none(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation)


def _explain_one(fault: dict[str, Any], kind: type[BaseModel], lines: dict[str, int]) -> str:
    place = [str(part) for part in fault["loc"]]
    dotted = ".".join(place)
    line = lines.get(dotted, lines.get(".".join(place[:-1])) if place and place[-1].isdecimal() else None)
    at = f" (line {line})" if line is not None else ""
    holder, field = _look_up(kind, place)
    if fault["type"] == "extra_forbidden":
        return f"{dotted}{at} is not a setting{_nearest(place, holder)}"
    if fault["type"] == "missing":
        return f"{dotted} is missing"
    reason = str(fault["msg"]).removeprefix("Value error, ").rstrip(".")
    if not dotted:
        return reason
    if isinstance(fault["input"], dict):  # a rule between several keys: the whole table would say nothing
        return f"{dotted}{at}: {reason}"
    # what a rule of our own says is more than the range
    allowed = allowed_values(field) if field is not None and fault["type"] != "value_error" else ""
    return (
        f"{dotted}{at} is {fault['input']!r}, allowed is {allowed}"
        if allowed
        else f"{dotted}{at} is {fault['input']!r}: {reason}"
    )


def _nearest(place: list[str], holder: type[BaseModel]) -> str:
    near = get_close_matches(place[-1], list(holder.model_fields), n=1, cutoff=0.5)
    if near:
        return f", the nearest is {'.'.join((*place[:-1], near[0]))}"
    return f", known are {', '.join(holder.model_fields)}"


def _look_up(kind: type[BaseModel], place: list[str]) -> tuple[type[BaseModel], FieldInfo | None]:
    """Follow a dotted place: the record that should hold its last key, and the field of that key if there is one."""
    holder, field = kind, kind.model_fields.get(place[0]) if place else None
    for part in place[1:]:
        record = _record_in(field.annotation) if field is not None else None
        if record is None:  # a place inside a tuple: what is allowed is said by the tuple's own field
            break
        holder, field = record, record.model_fields.get(part)
    return holder, field


def _record_in(annotation: Any) -> type[BaseModel] | None:
    for part in (annotation, *typing.get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _key_lines(text: str) -> dict[str, int]:
    """Line of each dotted key, for plain ``[table]``, ``[[table]]`` and ``key = value`` lines."""
    found: dict[str, int] = {}
    table = ""
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*(\[?)\[([\w.\-]+)\]", line):
            name = header[2]
            if header[1]:  # one of several tables of that name
                counts[name] = counts.get(name, -1) + 1
                name = f"{name}.{counts[name]}"
            table = name + "."
            found.setdefault(name, number)
        elif key := re.match(r"""\s*"?([\w.\-]+)"?\s*=""", line):
            found.setdefault(table + key[1], number)
    return found
