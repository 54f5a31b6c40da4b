"""The choice of a test part, by names alone."""

from __future__ import annotations

from restora.images.layouts.chosen import chosen_for_test


def alone(names):
    return {name: name for name in names}


def test_three_tenths_whatever_the_order():
    names = [f"{n:04}.png" for n in range(200)]
    chosen = chosen_for_test(alone(names))
    assert len(chosen) == 60
    assert chosen_for_test(alone(reversed(names))) == chosen
    assert chosen != frozenset(names[:60])


def test_the_choice_is_the_one_of_every_earlier_day():
    # SHA-256 of "a", "b", "c", "d" begins with ca, 3e, 2e, 18: round(1.2) is one
    assert chosen_for_test(alone("abcd")) == {"d"}


def test_groups_are_never_parted_and_never_more_than_half():
    groups = {f"{group}-{n}": str(group) for group in range(20) for n in range(3)}
    chosen = chosen_for_test(groups)
    assert len(chosen) == 18
    assert all(sum(name.startswith(f"{group}-") for name in chosen) in (0, 3) for group in range(20))
    assert chosen_for_test({"a": "same", "b": "same", "c": "same"}) == frozenset()
    assert chosen_for_test({}) == frozenset()
