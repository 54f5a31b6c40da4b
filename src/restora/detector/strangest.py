"""The good pictures of fitting and calibration that the model itself finds strangest: are these really good?

A defect among the calibration pictures raises the threshold, one among the fitting pictures is learned as good. Nobody
looks through a thousand pictures for it; everybody can look at five.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Literal

from restora.bundle import Manifest, StrangePicture
from restora.errors import PictureError
from restora.images.dataset import Item
from restora.images.split import content_digest
from restora.runtimes.contract import Runtime
from restora.verdicts.prediction import Rule

Part = Literal["fitting", "calibration"]

MOST = 5
DIGITS = 16  # of a content hash, as the manifest keeps it
MOST_HASHED = 2000  # files of a data set that are hashed in search of pictures that have other names in it


def choose_strangest(pictures: Sequence[tuple[str, str]], scores: Sequence[float]) -> tuple[StrangePicture, ...]:
    """The five of the highest scores, highest first, each content once.

    pictures : name and content hash of each, in the order of `scores`
    """
    found: dict[str, StrangePicture] = {}
    for (name, digest), score in sorted(zip(pictures, scores, strict=True), key=lambda pair: (-pair[1], pair[0])):
        # a file name may hold bytes that are no text, and a manifest is text
        text = name.encode("utf-8", "backslashreplace").decode()
        found.setdefault(digest, StrangePicture(name=text, score=score, digest=digest[:DIGITS]))
        if len(found) == MOST:
            break
    return tuple(found.values())


def strangest(manifest: Manifest) -> list[tuple[Part, StrangePicture]]:
    """The five of the highest scores of both parts, highest first; nothing of a model that does not know them."""
    calibration = manifest.calibration.strangest if manifest.calibration is not None else ()
    both: list[tuple[Part, StrangePicture]] = [("fitting", one) for one in manifest.fitting.strangest]
    both += [("calibration", one) for one in calibration]
    return sorted(both, key=lambda pair: -pair[1].score)[:MOST]


def show_strangest(runtime: Runtime, manifest: Manifest, goods: Iterable[Item], rule: Rule) -> dict[str, Any]:
    """The facts of `write_report` about them: pictures with heat where `goods` hold the same files, else names.

    goods : good training pictures of the data set at hand; found by content, whatever their names are there
    """
    from restora.detector.answer import answer
    from restora.detector.examine import report_picture
    from restora.detector.stream import look_through, sources_of

    wanted = strangest(manifest)
    places = _find([one for _, one in wanted], list(goods))
    here = [(part, one, places[one.digest]) for part, one in wanted if one.digest in places]
    shown = {}
    looks = look_through(
        runtime, sources_of(item for *_, item in here), manifest.input, batch=manifest.batch, keep_pictures=True
    )
    for (part, one, item), look in zip(here, looks, strict=True):
        if look.outputs is not None:
            prediction = replace(answer(replace(look, picture=None), rule), score=one.score)
            shown[one.digest] = report_picture(replace(item, label=None, kind=part), prediction, look, None)
    return {
        "strangest": list(shown.values()),
        "strangest_elsewhere": [(one.name, part, one.score) for part, one in wanted if one.digest not in shown],
        "strangest_of": _looked_at(manifest) if wanted else "",
    }


def _find(wanted: Sequence[StrangePicture], goods: Sequence[Item]) -> dict[str, Item]:
    """The files of these contents by digest; those of the same names are tried first, as they mostly are the same."""
    digests, names = {one.digest for one in wanted}, {one.name for one in wanted}
    found: dict[str, Item] = {}
    for item in islice(_likely_first(goods, names), MOST_HASHED):
        if len(found) == len(digests):
            break
        try:
            digest = content_digest(item.source)[:DIGITS]
        except PictureError:
            continue
        if digest in digests:
            found.setdefault(digest, item)
    return found


def _likely_first(goods: Sequence[Item], names: set[str]) -> Iterator[Item]:
    yield from (item for item in goods if item.name in names)
    yield from (item for item in goods if item.name not in names)


def _looked_at(manifest: Manifest) -> str:
    """Among how many pictures these are the strangest."""
    fitting, said = manifest.fitting, []
    if fitting.looked_at:
        share = f"{fitting.looked_at} of " if fitting.looked_at < fitting.count else ""
        said.append(f"{share}the {fitting.count} pictures it was fitted on")
    if manifest.calibration is not None:
        said.append(f"the {len(manifest.calibration.scores)} it was calibrated on")
    return " and ".join(said)
