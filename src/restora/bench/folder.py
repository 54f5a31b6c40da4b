"""The folder of a run: what is finished, what failed, and who is at work; no torch.

`cells/NAME.json` holds a finished cell and is never written twice; `failed/NAME.json` the sentence of one that failed
at the last try; `models/NAME.restora` the models, and `rows/NAME.csv` the score each gave every test picture; `drawn/`
the pictures that were drawn for it; `held/` what is being computed. Several processes may share a folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from restora.bench.cells import Cell
from restora.bundle import hold_folder
from restora.errors import UsageError
from restora.images.files import write_whole
from restora.methods.settings import Section


class Record(Section):
    """What a finished cell says: figures 0..1 (None where undefined), and what it took to get them.

    cell            : its name, with the hash of its settings and pictures
    steps           : of a training of ours; a joined model has those of its parts, a model of anomalib None
    fit_seconds     : None where the fit was broken off and went on
    look_seconds    : looking at all test pictures, reading them included
    megabytes       : of the model folder, or of what a yardstick keeps
    cut             : what the limit of a fit left out, in words
    own_image_auroc : of the score that a model of anomalib gives by itself
    weights_sha256  : of the trunk's weights; fingerprint: of the fitting pictures; settings: hash of all settings, the
                      seed among them, without paths
    processor, cores: of the machine

    What came later may be missing (None) in cells and tables that were made before.
    """

    cell: str
    method: str
    part: str | None = None
    change: str | None = None
    trunk: str
    size: str
    category: str
    seed: int
    image_auroc: float | None
    pixel_auroc: float | None
    aupro_30: float | None
    recipe: str
    steps: int | None
    fit_seconds: float | None
    look_seconds: float
    megabytes: float | None = None
    threads: int
    torch: str
    restora: str
    anomalib: str | None = None
    cut: str | None = None
    own_image_auroc: float | None = None
    weights_sha256: str | None = None
    fingerprint: str | None = None
    settings: str | None = None
    processor: str | None = None
    cores: int | None = None
    python: str | None = None
    onnxruntime: str | None = None


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; nothing is made before something is written."""

    root: Path

    def model(self, cell: Cell) -> Path:
        """Where the cell's model lies."""
        return self.root / "models" / f"{cell.name}.restora"

    def drawn(self, cell: Cell) -> Path:
        """Where the cell's category is drawn."""
        return self.root / "drawn" / cell.category

    def finished(self, cell: Cell) -> bool:
        """Whether the cell's figures are there."""
        return self._finished(cell).exists()

    def read(self, cell: Cell) -> Record:
        """What a finished cell says. Raises UsageError where its file is damaged."""
        path = self._finished(cell)
        try:
            return Record.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, ValidationError):
            raise UsageError(f"{path} is damaged; remove it, and its cell is computed anew.") from None

    def finish(self, cell: Cell, record: Record) -> None:
        """Keep a cell's figures; half a file is never seen."""
        _write(self._finished(cell), record.model_dump(mode="json"))
        self._failed(cell).unlink(missing_ok=True)

    def fail(self, cell: Cell, sentence: str) -> None:
        """Keep why a cell failed."""
        _write(self._failed(cell), {"cell": cell.label, "error": sentence})

    def failure(self, cell: Cell) -> str | None:
        """Why the cell failed at the last try, None where it did not."""
        try:
            return str(json.loads(self._failed(cell).read_text(encoding="utf-8"))["error"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def rows(self, cell: Cell) -> Path:
        """Where the scores that the cell's model gave its test pictures lie, if it has a model; see `bench.scores`."""
        return self.root / "rows" / f"{cell.name}.csv"

    def forget(self, cell: Cell) -> None:
        """Forget that the cell failed."""
        self._failed(cell).unlink(missing_ok=True)

    def others(self, cells: list[Cell]) -> int:
        """Number of finished cells that are none of these: of another file, or of settings or pictures before."""
        names = {cell.name for cell in cells}
        return sum(path.stem not in names for path in self.root.glob("cells/*.json"))

    @contextmanager
    def hold(self, cell: Cell) -> Iterator[bool]:
        """Hold a cell while it is computed; False where another process does. A process that dies lets go."""
        place = self.root / "held" / cell.name
        place.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            try:
                held.enter_context(hold_folder(place, wait=False))
            except BlockingIOError:
                yield False
                return
            yield True
            if self.finished(cell):  # nobody asks for it again, and who still does finds it finished
                with suppress(OSError):
                    place.rmdir()

    def _finished(self, cell: Cell) -> Path:
        return self.root / "cells" / f"{cell.name}.json"

    def _failed(self, cell: Cell) -> Path:
        return self.root / "failed" / f"{cell.name}.json"


def _write(path: Path, value: dict[str, Any]) -> None:
    write_whole(path, json.dumps(value, indent=1) + "\n")
