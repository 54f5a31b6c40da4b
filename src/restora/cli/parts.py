"""Writes the rows of a job in parts: each appears whole, and one that is finished is not looked at again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from restora.cli.output import Progress, check_folder_to_make, say, whole
from restora.cli.shard import Shard
from restora.errors import UsageError

if TYPE_CHECKING:
    from restora.images.sources import Source
    from restora.report.parts import Job
    from restora.verdicts.prediction import Prediction


def check_parts_folder(folder: Path, shard: Shard) -> None:
    """Raise UsageError where parts of this job cannot lie in `folder`, before anything is written."""
    from restora.report.parts import MOST_PARTS

    check_folder_to_make(folder)
    if shard.parts > MOST_PARTS:
        raise UsageError(f"--shard names {shard.parts} parts; a folder of parts has {MOST_PARTS} at the most.")


@dataclass(frozen=True)
class PartsFolder:
    """Where the parts of a job go."""

    root: Path
    shard: Shard
    job: Job

    def write(
        self,
        sources: Callable[[], Iterable[Source]],
        judge: Callable[[Iterable[Source]], Iterator[Prediction]],
    ) -> Counter[str]:
        """Write the parts that are asked for and not finished; the count of each verdict in all that are asked for.

        sources : gives those of the whole job; not called where all is finished
        judge   : gives the predictions for some of them, in their order

        Raises UsageError where a finished part is of another job.
        """
        from restora.report.parts import finished_part

        seen: Counter[str] = Counter()
        left = []
        for part in self.shard.which:
            found = finished_part(self._path(part), self.job)
            if found is None:
                left.append(part)
            else:
                say(f"{self._path(part)} is finished.")
                seen.update(found.verdicts)
        if not left:
            return seen
        named = sources() if len(left) == 1 else list(sources())
        for part in left:
            seen += self._write(part, named, judge)
        return seen

    def _path(self, part: int) -> Path:
        from restora.report.parts import part_path

        return part_path(self.root, part, self.shard.parts, self.job.form)

    def _write(
        self, part: int, named: Iterable[Source], judge: Callable[[Iterable[Source]], Iterator[Prediction]]
    ) -> Counter[str]:
        from restora.report.parts import Share, write_facts
        from restora.report.rows import write_rows
        from restora.runtimes.contract import count_cores

        share, path = Share(part, self.shard.parts), self._path(part)
        found = judge(share.of(named))
        self.root.mkdir(parents=True, exist_ok=True)
        with whole(path) as unfinished:
            with unfinished.open("wb") as stream, Progress(f"pictures of {path.name}") as progress:
                shown = progress.through(found)
                seen = write_rows(stream, shown, self.job.form, self.job.timings, model=self.job.model)
            # first: a part under its name must never lack what lies beside it
            write_facts(path, unfinished, self.job, share, seen, self.job.threads or count_cores())
        say(f"{path}: {told(seen)}.")
        return seen


def told(seen: Counter[str]) -> str:
    """Counts of verdicts in words."""
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(seen.items())) or "no pictures"
