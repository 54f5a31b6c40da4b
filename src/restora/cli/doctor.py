"""restora doctor: what this machine has, and what to install for what is missing."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from restora.cli.options import Json
from restora.cli.output import emit, emit_json, size, table

# Extra of Restora -> the packages it brings and what they are for.
EXTRAS = {
    "train": (("torch", "safetensors", "onnx", "onnxscript"), "training and exporting"),
    "openvino": (("openvino", "nncf"), "the OpenVINO runtime and its int8 graphs"),
    "timm": (("timm",), "trunks beyond ResNet and VGG"),
    "tables": (("pyarrow",), "Parquet"),
    "ray": (("ray",), "jobs larger than one machine"),
}
CORE = ("numpy", "scipy", "Pillow", "onnxruntime", "pydantic", "typer", "rich", "jinja2", "tomli-w")
# A training of a few hundred pictures keeps its features on the disk.
LITTLE_DISK = 2_000_000_000


def doctor(json: Json = False) -> None:
    """This machine: packages, runtimes, trunks at hand, threads, disk, and what to install.

    Example: restora doctor
    """
    facts = examine()
    if json:
        emit_json(facts, indent=2)
        return
    emit(table(list(_rows(facts))))
    for advice in facts["advice"]:
        emit(f"- {advice}")


def examine() -> dict[str, Any]:
    """Collect the facts of this machine as one JSON-ready object."""
    packages = {name: _version(name) for name in (*CORE, *(name for names, _ in EXTRAS.values() for name in names))}
    runtimes = [
        name
        for name, package in (("onnx", "onnxruntime"), ("openvino", "openvino"), ("torch", "torch"))
        if packages[package]
    ]
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    facts: dict[str, Any] = {
        "restora": _version("restora"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": threads,
        "disk_free": {"here": shutil.disk_usage(".").free, "temporary": shutil.disk_usage(_temporary()).free},
        "packages": packages,
        "runtimes": runtimes,
        "devices": _devices() if packages["torch"] else [],
        "trunks": _trunks() if packages["torch"] else [],
    }
    return facts | {"advice": _advice(facts)}


def _advice(facts: dict[str, Any]) -> list[str]:
    from restora.features.settings import PREFERRED, TINY

    packages = facts["packages"]
    missing_core = [name for name in CORE if packages[name] is None]
    said = (
        [f"Packages of the core are missing ({', '.join(missing_core)}); run: pip install restora"]
        if missing_core
        else []
    )
    for extra, (names, purpose) in EXTRAS.items():
        missing = [name for name in names if packages[name] is None]
        if missing:
            said.append(f"For {purpose} ({', '.join(missing)}): pip install 'restora[{extra}]'")
    if packages["torch"] and not facts["devices"]:
        said.append("torch is installed but cannot be loaded; install it anew for this machine.")
    if packages["torch"] and all(trunk["name"] == TINY for trunk in facts["trunks"]):
        said.append(
            f"Only {TINY}, the small trunk in the package, is at hand; for a larger one: "
            f"restora weights fetch {PREFERRED}, or restora weights import FILE --name {PREFERRED}."
        )
    if min(facts["disk_free"].values()) < LITTLE_DISK:
        said.append("Little disk is free; a training keeps its features there, as train says beforehand.")
    return said or ["Nothing is missing."]


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("restora", facts["restora"] or "not installed, run from its source"),
        ("python", f"{facts['python']}, {facts['system']}"),
        ("threads", str(facts["threads"])),
        ("disk free", ", ".join(f"{size(free)} {place}" for place, free in facts["disk_free"].items())),
        ("runtimes", ", ".join(facts["runtimes"]) or "none"),
        ("devices", ", ".join(facts["devices"]) or "none for training"),
        ("trunks", ", ".join(trunk["name"] for trunk in facts["trunks"]) or "none at hand"),
    ]
    return rows + [(name, found or "-") for name, found in facts["packages"].items()]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _temporary() -> Path:
    import tempfile

    return Path(tempfile.gettempdir())


def _devices() -> list[str]:
    """Devices torch can train on; none when torch is there but broken."""
    try:
        import torch
    except (ImportError, OSError):
        return []
    return ["cpu", *(f"cuda:{n} ({torch.cuda.get_device_name(n)})" for n in range(torch.cuda.device_count()))]


def _trunks() -> list[dict[str, Any]]:
    from restora.cli.weights import at_hand
    from restora.errors import RestoraError

    try:
        return at_hand()
    except (RestoraError, ImportError, OSError):
        return []
