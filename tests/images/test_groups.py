"""Patients of both parts are found, and leaving them out takes away test pictures alone."""

from __future__ import annotations

from restora.images.dataset import Dataset, Item
from restora.images.groups import shared_groups, without_shared


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


def test_leaving_shared_groups_out_keeps_the_training_part_and_what_has_no_group():
    data = Dataset("set", "", "folder", items(train="ab.", test="bcd."), notes=("kept",))
    apart = without_shared(data)
    assert apart.train == data.train
    assert [item.group for item in apart.test] == ["c", "d", None]
    assert apart.notes == ("kept",)
