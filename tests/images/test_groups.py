"""Patients of both parts are found, and what is to be left out are their test pictures alone."""

from __future__ import annotations

from restora.images.dataset import Dataset, Item
from restora.images.groups import shared_groups, shared_pictures


def items(**groups: str) -> tuple[Item, ...]:
    """A picture a letter: its group, None for a dot; by part."""
    return tuple(
        Item(f"{split}/{index}.png", "", split, 0, "good", group=None if letter == "." else letter)
        for split, letters in groups.items()
        for index, letter in enumerate(letters)
    )


def test_a_group_is_shared_when_both_parts_show_it():
    assert shared_groups(items(train="aabc.", test="bccd.")) == {"b", "c"}
    assert shared_groups(items(train="a.", test=".")) == frozenset()
    assert shared_groups(items(test="aab")) == frozenset()


def test_the_test_pictures_of_shared_groups_are_named_with_their_group():
    data = Dataset("set", "", "folder", items(train="ab.", test="bcdb."))
    assert shared_pictures(data) == {"test/0.png": "b", "test/3.png": "b"}
