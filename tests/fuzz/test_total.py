"""All families together: as many cases as were promised."""

from __future__ import annotations

import pytest

FAMILIES = {"pictures", "masks", "tables", "manifests", "graphs", "command lines"}
PROMISED = 10_000


@pytest.mark.slow
def test_all_families_together_are_ten_thousand_cases(tallies):
    missing = FAMILIES - tallies.keys()
    if missing:
        pytest.skip(f"only a part was run; {', '.join(sorted(missing))} not")
    assert sum(tally.cases for tally in tallies.values()) >= PROMISED
    assert not [fault for tally in tallies.values() for fault in tally.faults.values()]
    assert all(tally.outcomes["verdict"] for tally in tallies.values())  # a family that is always refused tries little
