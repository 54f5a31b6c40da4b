"""What a cell ran on: this machine and the versions that decide its figures, for `runs.csv`; no torch."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import restora
from restora.runtimes.contract import count_cores

CPU_FACTS = Path("/proc/cpuinfo")


def machine_facts() -> dict[str, Any]:
    """Fields of a `Record`: processor, cores that may be used, versions of Python, onnxruntime and Restora."""
    return {
        "processor": processor_name(),
        "cores": count_cores(),
        "python": platform.python_version(),
        "onnxruntime": _version("onnxruntime"),
        "restora": restora.__version__,
    }


def processor_name(facts: Path = CPU_FACTS) -> str:
    """The processor's name: as Linux tells it in `facts`, else as Python knows it."""
    try:
        lines = facts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return " ".join((named[:1] or [platform.processor() or platform.machine()])[0].split())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
