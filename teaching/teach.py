"""Teach `restora-tiny`: a large trunk's features, level by level, to a small network of our own.

    python -m teaching.teach --pictures FOLDER --teacher resnet18 --weights FILE --out restora-tiny.safetensors

The target at each level is what the strongest principal components of the teacher's features hold, as many as the
student has channels. A component's squared error counts by one over its deviation: plain squared errors would teach
the strongest only, fully whitened ones mostly noise. At the end norms are folded and numbers become float16.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from restora.export.fold import fold_norms
from restora.features.checkpoint import CARD_KEY
from restora.features.pyramid import Trunk, load_trunk
from restora.features.settings import TINY
from restora.features.tiny.network import TinyNet
from teaching.muon import Muon
from teaching.pool import Pool, make_pool
from teaching.views import draw_batch

LEVELS = (1, 2, 3)
#: How much each level counts; the small preset looks at the last two.
COUNTS = (0.5, 1.0, 1.0)
#: Batches that the principal components are found with.
LOOKED_AT = 40
#: Steps until the full rate; the last two thirds of the teaching it falls to zero in a line.
WARM_UP = 50
LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class Axis:
    """Principal components of one level of the teacher.

    turn      : float32 [k, C], orthonormal rows, the strongest first
    deviation : float32 [k], of the features along each
    """

    turn: Tensor
    deviation: Tensor

    def target(self, level: Tensor) -> Tensor:
        """Features [N, C, h, w] along the components, [N, k, h, w]."""
        return torch.einsum("kc,nchw->nkhw", self.turn, level)

    def loss(self, given: Tensor, target: Tensor) -> Tensor:
        """Share of the deviation that is not explained: 1 for who always says the mean, 0 for who says it all."""
        errors = (given - target).square().mean(dim=(0, 2, 3))
        return (errors / self.deviation).sum() / self.deviation.sum()


def batches(pool: Pool, seed: int) -> Iterator[Tensor]:
    """Views for the trunk, without end, by seed."""
    rng = np.random.default_rng(seed)
    while True:
        yield draw_batch(pool, rng).contiguous(memory_format=torch.channels_last)


def find_axes(teacher: Trunk, views: Iterator[Tensor], widths: tuple[int, ...]) -> tuple[list[Axis], list[Tensor]]:
    """Components of each level, and the mean of the features along them (where the student begins)."""
    counts = [0.0 for _ in widths]
    sums = [torch.zeros(level.channels, dtype=torch.float64) for level in teacher.levels]
    squares = [torch.zeros(level.channels, level.channels, dtype=torch.float64) for level in teacher.levels]
    for _ in range(LOOKED_AT):
        for index, level in enumerate(ask(teacher, next(views))):
            cells = level.permute(1, 0, 2, 3).flatten(1).double()
            counts[index] += cells.shape[1]
            sums[index] += cells.sum(dim=1)
            squares[index] += cells @ cells.T
    axes, means = [], []
    for index, width in enumerate(widths):
        mean = sums[index] / counts[index]
        values, vectors = torch.linalg.eigh(squares[index] / counts[index] - torch.outer(mean, mean))
        turn = vectors.flip(1)[:, :width].T
        axes.append(Axis(turn.float(), values.flip(0)[:width].clamp_min(1e-12).sqrt().float()))
        means.append((turn @ mean).float())
        kept = float(values.flip(0)[:width].sum() / values.sum())
        print(f"level {LEVELS[index]}: {width} of {len(mean)} components hold {100 * kept:.1f} % of the variance")
    return axes, means


@torch.no_grad()
def ask(teacher: Trunk, views: Tensor) -> list[Tensor]:
    """The teacher's features, float32."""
    with torch.autocast("cpu", torch.bfloat16):
        return [level.float() for level in teacher(views)]


def optimisers_for(student: TinyNet) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the inner convolutions, Adam for the first, the heads and the vectors; one group each."""
    inner = [parameter for parameter in student.stages.parameters() if parameter.ndim == 4]
    known = {id(parameter) for parameter in inner}
    others = [parameter for parameter in student.parameters() if id(parameter) not in known]
    return Muon(inner, lr=0.025), torch.optim.AdamW(others, lr=8e-3, weight_decay=1e-4)


def teach(student: TinyNet, teacher: Trunk, axes: list[Axis], views: Iterator[Tensor], steps: int) -> list[float]:
    """Fit the student; the losses a level at the end, means over the last steps."""
    optimisers = optimisers_for(student)
    rates = [group["lr"] for optimiser in optimisers for group in optimiser.param_groups]
    student.train()
    start, lately = time.perf_counter(), np.full(len(axes), np.nan)
    for step in range(steps):
        pictures = next(views)
        targets = [axis.target(level) for axis, level in zip(axes, ask(teacher, pictures), strict=True)]
        for optimiser, rate in zip(optimisers, rates, strict=True):
            optimiser.param_groups[0]["lr"] = rate * min(1, (step + 1) / WARM_UP, 1.5 * (1 - step / steps))
        with torch.autocast("cpu", torch.bfloat16):
            given = student((pictures - teacher.mean) / teacher.deviation)
        losses = [axis.loss(mine.float(), target) for axis, mine, target in zip(axes, given, targets, strict=True)]
        student.zero_grad(set_to_none=True)
        (torch.stack(losses) * torch.tensor(COUNTS)).sum().backward()  # type: ignore[no-untyped-call]
        for optimiser in optimisers:
            optimiser.step()
        now = np.array([float(loss.detach()) for loss in losses])
        lately = now if np.isnan(lately[0]) else 0.98 * lately + 0.02 * now
        if (step + 1) % 50 == 0:
            spent = time.perf_counter() - start
            print(f"step {step + 1} of {steps}, {spent:.0f} s, unexplained {lately.round(3).tolist()}", flush=True)
    return [float(value) for value in lately]


def settle_norms(student: TinyNet, views: Iterator[Tensor], teacher: Trunk, count: int = 30) -> None:
    """Means and variances of the norms anew, over views by the finished network."""
    norms = [module for module in student.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all that is seen from here
    with torch.no_grad():
        for _ in range(count):
            student((next(views) - teacher.mean) / teacher.deviation)


def save(student: TinyNet, out: Path, terms: str) -> None:
    """Fold the norms and write float16 numbers under the names of the network without norms."""
    fold_norms(student.eval())
    plain = TinyNet(TINY, LEVELS)
    plain.load_state_dict(student.state_dict())
    state = {name: tensor.half().contiguous() for name, tensor in plain.state_dict().items()}
    card = {"trunk": TINY, "licence": LICENCE, "terms": terms}
    save_file(state, out, metadata={CARD_KEY: json.dumps(card, sort_keys=True)})


def main() -> None:
    """Teach, fold, write."""
    parser = argparse.ArgumentParser(description="Teach restora-tiny.")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of everyday pictures, no labels needed")
    parser.add_argument("--teacher", default="resnet18")
    parser.add_argument("--weights", type=Path, required=True, help="the teacher's weights")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=5400)
    parser.add_argument("--drawn", type=int, default=1500, help="drawn products")
    parser.add_argument("--clutter", type=int, default=600)
    parser.add_argument("--textures", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--terms", required=True, help="what is said of teacher and pictures in the file")
    told = parser.parse_args()
    start = time.perf_counter()
    pool = make_pool(told.pictures, np.random.default_rng(told.seed), told.drawn, told.clutter, told.textures)
    print(f"pictures: {pool.counts()}, {time.perf_counter() - start:.0f} s")
    views = batches(pool, told.seed + 1)
    teacher = load_trunk(told.teacher, weights=told.weights, levels=LEVELS).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.manual_seed(told.seed)
    student = TinyNet(TINY, LEVELS, normed=True)
    axes, means = find_axes(teacher, views, tuple(level.channels for level in student.levels))
    for number, mean in zip(LEVELS, means, strict=True):
        head = student.heads[str(number)]
        head.get_parameter("bias").data.copy_(mean)
    student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    lately = teach(student, teacher, axes, views, told.steps)
    settle_norms(student, views, teacher)
    save(student, told.out, told.terms)
    print(
        f"{told.out}: {told.out.stat().st_size / 1e6:.2f} MB, unexplained {np.round(lately, 3).tolist()}, "
        f"{(time.perf_counter() - start) / 60:.1f} minutes"
    )


if __name__ == "__main__":
    main()
