"""Patients, or parts, that a data set shows both while fitting and while testing."""

from __future__ import annotations

from collections.abc import Sequence

from restora.images.dataset import Dataset, Item


def shared_groups(items: Sequence[Item]) -> frozenset[str]:
    """Groups with pictures in both the training and the test part; what is known of one may help with the other."""
    train, test = ({item.group for item in items if item.split == split} for split in ("train", "test"))
    return frozenset(group for group in train & test if group is not None)


def shared_pictures(dataset: Dataset) -> dict[str, str]:
    """The test pictures of shared groups: by name, their group."""
    shared = shared_groups(dataset.items)
    return {item.name: item.group for item in dataset.test if item.group is not None and item.group in shared}
