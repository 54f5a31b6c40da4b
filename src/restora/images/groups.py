"""Patients, or parts, that a data set shows both while fitting and while testing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from restora.images.dataset import Dataset, Item


def shared_groups(items: Sequence[Item]) -> frozenset[str]:
    """Groups with pictures in both the training and the test part; what is known of one may help with the other."""
    train, test = ({item.group for item in items if item.split == split} for split in ("train", "test"))
    return frozenset(group for group in train & test if group is not None)


def without_shared(dataset: Dataset) -> Dataset:
    """The data set without the test pictures of shared groups: its figures owe nothing to having met them before.

    The training part stays as it is, so a model fitted on the whole set is judged on what it has not met.
    """
    shared = shared_groups(dataset.items)
    kept = tuple(item for item in dataset.items if item.split == "train" or item.group not in shared)
    return replace(dataset, items=kept)
