"""The terms of published weights that are known by their file's SHA-256, whose first digits stand in their names."""

from __future__ import annotations

from collections.abc import Sequence

UNSTATED = "not stated with the file"
RANDOM_TERMS = ("none: random numbers", "none: taught by no data")

_IMAGENET = "taught on ImageNet-1k, whose pictures are given for non-commercial research only"
_TORCHVISION = (
    "resnet18-5c106cde",
    "resnet18-f37072fd",
    "resnet34-333f7ec4",
    "resnet34-b627a593",
    "resnet50-19c8e357",
    "resnet50-0676ba61",
    "resnet50-11ad3fa6",
    "wide_resnet50_2-95faca4d",
    "wide_resnet50_2-9ba9bcbe",
    "vgg16-397923af",
)
_DIGITS = frozenset(name.rpartition("-")[2] for name in _TORCHVISION)


def known_terms(sha256: str) -> tuple[str, str]:
    """Return licence and terms of a file of weights, `UNSTATED` twice where it is not a known one."""
    if sha256[:8] in _DIGITS:
        return "BSD-3-Clause (torchvision)", _IMAGENET
    return UNSTATED, UNSTATED


def terms_of(datasets: Sequence[str]) -> str:
    """Return the terms of pictures by the names of their data sets as the hub writes them, `UNSTATED` for none."""
    if not datasets:
        return UNSTATED
    if list(datasets) == ["imagenet-1k"]:
        return _IMAGENET
    return f"taught on {', '.join(datasets)}; the terms of those pictures are not stated with the file"
