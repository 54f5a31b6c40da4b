"""restora info: a model's card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from restora.cli.options import Json, Model
from restora.cli.output import emit, emit_json, size, table
from restora.features.terms import RANDOM_TERMS


def info(model: Model, json: Json = False) -> None:
    """A model's card: what it is, what it was fitted on, what it promises; its files are verified.

    Example: restora info part.restora
    """
    from restora.detector.detector import Detector

    facts = Detector.load(model).info()
    if json:
        emit_json(facts, indent=2)
    else:
        emit("\n".join(card_lines(facts)))


def card_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """The card that `Detector.info` gives, as lines for people."""
    trunk, spec, calibration = facts["trunk"], facts["input"], facts["calibration"]
    whole = sum(entry["size"] for entry in facts["files"].values())
    rows = [
        ("model", f"{facts['model']}, {size(whole)}, fingerprint {facts['fingerprint'][:12]}, files verified"),
        ("method", f"{facts['method']}, preset {facts['preset']}, settings {facts['settings_hash'][:12]}"),
        ("trunk", f"{trunk['name']}, sha256 {trunk['sha256'][:12]}"),
        ("licence", trunk["licence"]),
        ("terms", trunk["terms"]),
        ("input", _input(spec)),
        ("fitted on", f"{facts['fitting']['count']} good pictures"),
        ("calibrated on", "nothing" if calibration is None else f"{calibration['count']} good pictures"),
        ("parity", ", ".join(f"{name} {gap:.1e}" for name, gap in facts["parity"].items()) or "not stated"),
        ("files", ", ".join(facts["files"])),
        ("made again by", facts["reproduce"] or f"restora {facts['package_version']}"),
    ]
    yield table(rows)
    yield from facts["promise_sentences"]
    yield from strangest_lines(facts["strangest"])
    yield from trunk_sentences(trunk)


def strangest_lines(strangest: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The good pictures that look least like the others, for somebody to look at; nothing where none are known."""
    if strangest:
        yield "Are these really good? Of the pictures it was fitted and calibrated on, they look least like the others:"
        yield from (f"  {one['name']} ({one['part']}, score {one['score']:.4g})" for one in strangest)


def trunk_sentences(trunk: Mapping[str, Any]) -> Iterator[str]:
    """What to do about a trunk that was taught nothing, or that is small; nothing for any other."""
    from restora.features.settings import PREFERRED, TINY

    if trunk["name"] == TINY:
        yield (
            f"The trunk {TINY} came with the package and is small; 'restora weights fetch {PREFERRED}' gets a larger "
            f"one that sees more, which a training uses from then on."
        )
    elif trunk["licence"] == RANDOM_TERMS[0]:
        name = trunk["name"]
        yield (
            f"The trunk {name} has random numbers, which sees far less than a trunk that was taught: get weights with "
            f"'restora weights fetch {name}' or 'restora weights import FILE --name {name}', then train again."
        )


def _input(spec: Mapping[str, Any]) -> str:
    said = f"{spec['height']}x{spec['width']} pixels, {spec['resize']}"
    if spec["depth"] is not None:
        said += f", 16-bit pictures use {spec['depth']} bits"
    return said + (", some places left out" if spec["ignore"] is not None else "")
