"""What happened, in counts, and what to do next, in sentences: the first screen of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from restora.evaluation import Evaluation
from restora.evaluation.record import rate_range90

# What each verdict means for a picture whose truth is known: a word, and whether it is right; in the order of a bar.
MEANING = {
    1: (
        ("defect", "called defect", "right"),
        ("review", "for review", "review"),
        ("ok", "missed", "wrong"),
        ("error", "not readable", "error"),
    ),
    0: (
        ("ok", "called ok", "right"),
        ("review", "for review", "review"),
        ("defect", "false alarms", "wrong"),
        ("error", "not readable", "error"),
    ),
}
WORDS = {1: "defective", 0: "good"}
KINDS_NAMED = 3
FOUND_SELDOM = 0.5  # a kind of which less is found is worth a sentence


@dataclass(frozen=True)
class Advice:
    """One thing to do: a sentence, and the part of the page it leads to, if any."""

    text: str
    place: str | None = None


def outcomes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Of the defective and of the good pictures, how many got which verdict; groups without pictures are left out."""
    groups = []
    for label, meanings in MEANING.items():
        verdicts = [row.prediction.verdict for row in evaluation.rows if row.label == label]
        parts = [
            {"verdict": verdict, "words": words, "style": style, "n": count, "share": count / len(verdicts)}
            for verdict, words, style in meanings
            if (count := verdicts.count(verdict))  # type: ignore[arg-type]
        ]
        if parts:
            groups.append({"name": WORDS[label], "n": len(verdicts), "parts": parts})
    return groups


def advise(evaluation: Evaluation, facts: Mapping[str, Any]) -> list[Advice]:
    """What to do next, most urgent first."""
    said = [*_unreadable(evaluation), *_mistakes(evaluation), *_promise(evaluation)]
    if facts.get("strangest") or facts.get("strangest_elsewhere"):
        said.append(Advice("Look at the strangest of the pictures it learned from: is each really good?", "strangest"))
    if not said and evaluation.rows:
        said.append(Advice("Nothing went wrong here: try it on pictures from the line, with restora predict."))
    return said


def _unreadable(evaluation: Evaluation) -> Iterator[Advice]:
    count = evaluation.dataset["errors"]
    if count:
        those = "The picture" if count == 1 else f"The {count} pictures"
        yield Advice(f"{those} that could not be read: the table says what is wrong with each.", "table")


def _mistakes(evaluation: Evaluation) -> Iterator[Advice]:
    judged = [(row.label, row.prediction.verdict) for row in evaluation.rows]
    missed, alarms = judged.count((1, "ok")), judged.count((0, "defect"))
    if missed:
        them = "the defect that was missed" if missed == 1 else f"the {missed} defects that were missed"
        yield Advice(f"Look at {them}: they come first among the pictures.", "pictures")
    seldom = sorted(
        (figures.found / figures.n, kind, figures)
        for kind, figures in evaluation.kinds.items()
        if figures.n and figures.found / figures.n < FOUND_SELDOM
    )
    if seldom:
        named = ", ".join(f"{kind} ({figures.found} of {figures.n})" for _, kind, figures in seldom[:KINDS_NAMED])
        more = f" and {len(seldom) - KINDS_NAMED} more kinds" if len(seldom) > KINDS_NAMED else ""
        yield Advice(f"Found seldom: {named}{more}. If they are small, train with a larger input.", "kinds")
    if alarms:
        them = "the false alarm" if alarms == 1 else f"the {alarms} false alarms"
        yield Advice(f"Look at {them}: is the picture really good, and is it like those it learned from?", "pictures")


def _promise(evaluation: Evaluation) -> Iterator[Advice]:
    verdicts, promise = evaluation.verdicts, evaluation.promise
    if verdicts.promised is None:
        yield Advice("Calibrate it on good pictures it has not seen, with restora calibrate: only then is it sure.")
        return
    if (more := _more_than_promised(evaluation)) is not None:
        yield Advice(
            f"More good pictures are {more} than was promised, and hardly by chance: have pictures changed since the "
            "calibration? Calibrate on more good pictures as they come now, with restora calibrate.",
            "promise",
        )
    elif promise is not None and promise.confident_k is None:
        yield Advice(
            f"It was calibrated on {promise.pictures} pictures only, which makes the threshold a rough one: more good "
            "pictures make it sure, with restora calibrate.",
            "promise",
        )


def _more_than_promised(evaluation: Evaluation) -> str | None:
    """What happens to good pictures clearly more often than promised: the whole 90 % range of its rate lies above."""
    good = [row.prediction.verdict for row in evaluation.rows if row.label == 0 and row.prediction.verdict != "error"]
    if not good or evaluation.promise is None:
        return None
    called, waiting = good.count("defect"), good.count("review")
    if rate_range90(called, len(good))[0] > evaluation.promise.rate:
        return "called defect"
    if rate_range90(called + waiting, len(good))[0] > evaluation.promise.not_ok:
        return "left for review"
    return None
