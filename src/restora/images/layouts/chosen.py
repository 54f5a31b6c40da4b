"""A test part for sets that are published without one, chosen by names alone: the same on every machine."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping

SHARE = 0.3


def chosen_for_test(groups: Mapping[str, str]) -> frozenset[str]:
    """The names of about three tenths, at most half: whole groups, in the order of the SHA-256 of what they are called.

    groups : what must stay together with a name, itself for one that stands alone
    """
    together: dict[str, list[str]] = defaultdict(list)
    for name, group in groups.items():
        together[group].append(name)
    wanted, most = round(SHARE * len(groups)), len(groups) // 2
    chosen: set[str] = set()
    for group in sorted(together, key=lambda group: hashlib.sha256(group.encode("utf-8", "surrogateescape")).digest()):
        if len(chosen) >= wanted:
            break
        if len(chosen) + len(together[group]) <= most:
            chosen.update(together[group])
    return frozenset(chosen)
