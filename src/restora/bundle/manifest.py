"""What a model folder says about itself: the records of `manifest.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

FORMAT_VERSION = "1.1"  # 1.1: the strangest good pictures, with scores and digests

# Of a model's input, in pixels; what a manifest claims beyond it would fill the memory before the graph could refuse.
LARGEST_SIDE = 16_384


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TrunkCard(_Record):
    """The frozen network whose features are restored: what it is and under which terms it may be used."""

    name: str
    sha256: str
    licence: str
    terms: str


class InputSpec(_Record):
    """How a picture becomes the graph's input.

    height, width : the graph's input in pixels; resize : the way of resizing, `images.prepare.RESIZE`
    depth : bits that 16-bit pictures really use, or None; ignore : role of the stored mask of places left out, or None
    """

    height: int = Field(gt=0, le=LARGEST_SIDE)
    width: int = Field(gt=0, le=LARGEST_SIDE)
    resize: str
    depth: int | None = None
    ignore: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width


class StrangePicture(_Record):
    """A good picture that the finished graph gives a high score, and what it is found again by.

    name : as the data set had it; digest : the first 16 hex digits of its content hash
    """

    name: str
    score: float
    digest: str


class FittingFacts(_Record):
    """What the model was fitted on.

    digests   : the first 16 hex digits of each picture's content hash
    strangest : the highest scores, highest first, among the `looked_at` fitting pictures that the finished graph scored
    """

    count: int
    fingerprint: str
    digests: tuple[str, ...] = ()
    looked_at: int = 0
    strangest: tuple[StrangePicture, ...] = ()


class CalibrationFacts(_Record):
    """Scores and doubts of the calibration pictures (in one order), and the rate asked for by name, if any.

    strangest : the pictures of the highest scores, highest first
    """

    scores: tuple[float, ...]
    doubts: tuple[float, ...]
    false_alarms: float | None = None
    fingerprint: str
    strangest: tuple[StrangePicture, ...] = ()


class FileEntry(_Record):
    """One file of the folder: its name, the sha256 of its bytes, their number."""

    name: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
    sha256: str
    size: int


class Manifest(_Record):
    """Everything a model folder says about itself. `files` maps a role ("graph", "restorer", ...) to its file."""

    format_version: str = FORMAT_VERSION
    package_version: str
    method: str
    preset: str
    settings: dict[str, Any]
    settings_hash: str
    trunk: TrunkCard
    input: InputSpec
    outputs: tuple[str, ...]
    fitting: FittingFacts
    calibration: CalibrationFacts | None = None
    parity: dict[str, float] = Field(default_factory=dict)
    batch: int = Field(default=8, gt=0)
    threads: int | None = None
    reproduce: str = ""
    files: dict[str, FileEntry] = Field(default_factory=dict)


def hash_settings(settings: Mapping[str, Any]) -> str:
    """sha256 of the settings in one canonical spelling: equal settings, equal hash, whatever their order."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
