"""What the first screen says, by cases that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from restora.evaluation import Row, evaluate_rows
from restora.report.advice import advise, outcomes
from restora.verdicts.calibration import Calibration
from restora.verdicts.prediction import Prediction


def evaluation(verdicts: dict[str, str], *, calibrated: int = 999):
    """`verdicts`: for each kind a letter a picture: o ok, r review, d defect, e error."""
    words = {"o": "ok", "r": "review", "d": "defect"}
    rows = []
    for kind, letters in verdicts.items():
        for number, letter in enumerate(letters):
            name = f"{kind}/{number}.png"
            failed = letter == "e"
            said = Prediction.failed(name, "cut off") if failed else Prediction(name, words[letter], 0.5, 1.0, 0.1)
            rows.append(Row(said, int(kind != "good"), kind))
    promise = Calibration.fit(np.arange(calibrated) + 1.0, np.ones(calibrated)).promise() if calibrated else None
    return evaluate_rows({"name": "n"}, rows, promise=promise)


def places(verdicts: dict[str, str], **facts) -> list[str | None]:
    calibrated = facts.pop("calibrated", 999)
    return [one.place for one in advise(evaluation(verdicts, calibrated=calibrated), facts)]


def test_every_picture_is_in_one_part_of_one_bar():
    bad, good = outcomes(evaluation({"good": "oorde", "scratch": "ddoor"}))
    assert (bad["name"], bad["n"], good["name"], good["n"]) == ("defective", 5, "good", 5)
    assert [(part["words"], part["n"], part["style"]) for part in bad["parts"]] == [
        ("called defect", 2, "right"),
        ("for review", 1, "review"),
        ("missed", 2, "wrong"),
    ]
    assert [(part["verdict"], part["n"]) for part in good["parts"]] == [
        ("ok", 2),
        ("review", 1),
        ("defect", 1),
        ("error", 1),
    ]
    assert sum(part["share"] for part in good["parts"]) == pytest.approx(1)


def test_a_group_without_pictures_has_no_bar():
    assert [group["name"] for group in outcomes(evaluation({"good": "o"}))] == ["good"]
    assert outcomes(evaluate_rows({}, [])) == []


def test_nothing_wrong_says_so_and_nothing_known_says_nothing():
    (only,) = advise(evaluation({"good": "o" * 20, "scratch": "ddd"}), {})
    assert "Nothing went wrong" in only.text
    assert [one.text.split()[0] for one in advise(evaluate_rows({}, []), {})] == ["Calibrate"]


def test_the_most_urgent_comes_first():
    strange = {"strangest_elsewhere": [("a", "fitting", 1.0)]}
    assert places({"good": "e" + "o" * 99 + "d", "scratch": "oodd"}, **strange) == [
        "table",
        "pictures",
        "pictures",
        "strangest",
    ]


def test_kinds_found_seldom_are_named_worst_first():
    said = [one.text for one in advise(evaluation({"good": "o", "a": "rrd", "b": "rrr", "c": "ddo", "d": "dd"}), {})]
    assert any("b (0 of 3), a (1 of 3). If" in text for text in said)
    assert any("the defect that was missed" in text for text in said)
    many = evaluation({f"k{n}": "r" for n in range(5)})
    assert any("and 2 more kinds" in one.text for one in advise(many, {}))


def test_a_broken_promise_is_told_from_bad_luck():
    """Promised 1 %: 1 of 50 is luck, 8 of 50 hardly; 12 of 50 for review are more than about 3 %."""

    def said(good: str) -> list[str]:
        return [one.text for one in advise(evaluation({"good": good}), {})]

    assert not any("than was promised" in text for text in said("o" * 49 + "d"))
    assert any("are called defect than was promised" in text for text in said("o" * 42 + "d" * 8))
    assert any("are left for review than was promised" in text for text in said("o" * 38 + "r" * 12))


def test_a_small_calibration_asks_for_more_pictures():
    (few,) = [one for one in advise(evaluation({"good": "ooo"}, calibrated=22), {}) if "rough" in one.text]
    assert "22 pictures only" in few.text
    assert places({"good": "ooo"}, calibrated=0) == [None]
