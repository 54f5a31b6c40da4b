"""How far a feature lies from its restoration, cell by cell, on one level.

Every distance is a module: `accumulate` sees the fitting pictures once, `solve` turns what was seen into buffers,
`forward` maps feature and restored feature [N, C, H, W] to distances [N, H, W]. What was learned is state like any
weight.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restora.methods.layers.ssim import Gms, Ssim
from restora.methods.settings import ResidualSettings

# The dynamic range of a standardised feature: three deviations either way.
SPAN = 6.0


class Distance(nn.Module):
    """A distance without statistics; the base of those that have some."""

    def accumulate(self, feature: Tensor, restored: Tensor) -> None:
        """Look at one batch of fitting pictures."""

    def solve(self) -> None:
        """Turn what was seen into buffers."""


class SquaredError(Distance):
    """Mean squared difference over the channels."""

    def forward(self, feature: Tensor, restored: Tensor) -> Tensor:
        """[N, C, H, W] twice -> [N, H, W]."""
        return (feature - restored).square().mean(1)


class CosineDistance(Distance):
    """One minus the cosine of the angle between the two, 0..2."""

    def forward(self, feature: Tensor, restored: Tensor) -> Tensor:
        """[N, C, H, W] twice -> [N, H, W]."""
        product = (feature * restored).sum(1)
        sizes = feature.square().sum(1).sqrt() * restored.square().sum(1).sqrt()
        return 1 - product / sizes.clamp_min(1e-6)


class StructureDistance(Distance):
    """One minus the similarity of structure, mean over the channels, 0..2; `kind` is `ssim` or `gms`.

    Every channel is standardised by its mean and deviation over the fitting pictures, so that one dynamic range fits
    all; SSIM looks through the Gaussian window of its paper (11 cells, deviation 1.5).
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, kind: str, shape: tuple[int, int, int]) -> None:
        super().__init__()
        grid = (shape[1], shape[2])
        self.similarity = Ssim(grid, span=SPAN, middle=SPAN / 2) if kind == "ssim" else Gms(grid, SPAN)
        self.register_buffer("mean", torch.zeros(shape[0], 1, 1))
        self.register_buffer("deviation", torch.ones(shape[0], 1, 1))
        self.count = 0
        self.sums = torch.zeros(2, shape[0], dtype=torch.float64)

    @torch.no_grad()
    def accumulate(self, feature: Tensor, restored: Tensor) -> None:
        """Add the first and second moments of the features' channels."""
        cells = feature.transpose(0, 1).flatten(1)
        self.count += cells.shape[1]
        self.sums += torch.stack([cells.sum(1), cells.square().sum(1)]).cpu().double()

    @torch.no_grad()
    def solve(self) -> None:
        """Take mean and deviation; a channel that never varies is divided by 1."""
        mean, square = self.sums / self.count
        deviation = (square - mean.square()).clamp_min(0).sqrt()
        self.mean.copy_(mean[:, None, None])
        self.deviation.copy_(torch.where(deviation > 0, deviation, 1.0)[:, None, None])
        self.sums.zero_()
        self.count = 0

    def forward(self, feature: Tensor, restored: Tensor) -> Tensor:
        """[N, C, H, W] twice -> [N, H, W]."""
        first, second = ((x - self.mean) / self.deviation for x in (feature, restored))
        distance: Tensor = 1 - self.similarity(first, second).mean(1)
        return distance


def strongest_directions(covariance: Tensor, floor: Tensor, kept: int) -> tuple[Tensor, Tensor]:
    """Factor of the inverse of ``covariance + floor I`` [C, C] in the manner of probabilistic PCA.

    Returns V [kept, C] in half precision and the precision q with ``x' S^-1 x = q (|x|^2 - |V x|^2)``, exact for
    kept = C; below that the remaining directions share their mean variance.
    """
    values, vectors = torch.linalg.eigh(covariance)
    values = values.clamp_min(0).flip(0) + floor
    rest = values[kept:].mean() if kept < len(values) else values[-1]
    weight = (1 - rest / values[:kept]).clamp_min(0).sqrt()
    return (vectors.T.flip(0)[:kept] * weight[:, None]).half(), 1 / rest


class PlaceGaussian(Distance):
    """Mahalanobis distance of the residual, with a mean and a covariance for every place, divided by C.

    Places are blocks of `block` x `block` cells; the moments of a place come from the fitting pictures and the
    `neighbours` x `neighbours` cells around it (of larger blocks: `block_neighbours`). With S the covariance of a
    place, S_all that of all and n pictures it is shrunk to ``(n S + prior S_all) / (n + prior) + floor mean(diag
    S_all) I``. Of every place the `directions` strongest eigenvectors are kept, the rest share their mean variance
    (probabilistic PCA), in half precision: stored numbers, not the arithmetic. `diagonal` keeps variances alone.
    """

    mean: Tensor
    directions: Tensor
    precision: Tensor

    def __init__(self, shape: tuple[int, int, int], block: int, settings: ResidualSettings) -> None:
        super().__init__()
        self.channels, height, width = shape
        self.block = block
        self.grid = (height // block, width // block)
        self.settings = settings
        self.diagonal = settings.rule == "diagonal"
        self.side = settings.neighbours if block == 1 else settings.block_neighbours
        places, kept = self.grid[0] * self.grid[1], min(settings.directions, self.channels)
        self.register_buffer("mean", torch.zeros(places, 1, self.channels, dtype=torch.float16))
        rows = 0 if self.diagonal else kept
        self.register_buffer("directions", torch.zeros(places, rows, self.channels, dtype=torch.float16))
        # One figure a place, or one a channel and place when the covariance is diagonal.
        self.register_buffer("precision", torch.ones(places, 1, self.channels if self.diagonal else 1))
        self.seen = 0
        self.sums: Tensor | None = None
        self.products: Tensor | None = None

    def _cells(self, residual: Tensor) -> Tensor:
        """[N, C, H, W] -> [places, N * block * block, C]."""
        rows, columns = self.grid
        # Channels last first, then the places: the runtimes are twice as slow at one turn of six axes.
        last = residual.flatten(2).transpose(1, 2)
        blocks = last.reshape(-1, rows, self.block, columns, self.block, self.channels)
        return blocks.permute(1, 3, 0, 2, 4, 5).reshape(rows * columns, -1, self.channels)

    def _map(self, distances: Tensor, count: int) -> Tensor:
        """[places, N * block * block] -> [N, H, W], the way back."""
        parts = distances.view(self.grid[0], self.grid[1], count, self.block, self.block)
        height, width = self.grid[0] * self.block, self.grid[1] * self.block
        return parts.permute(2, 0, 3, 1, 4).reshape(count, height, width)

    @torch.no_grad()
    def accumulate(self, feature: Tensor, restored: Tensor) -> None:
        """Add the first and second moments of one batch of residuals."""
        cells = self._cells(feature - restored)
        if self.sums is None or self.products is None:
            square = (len(cells), self.channels) if self.diagonal else (len(cells), self.channels, self.channels)
            self.sums = cells.new_zeros(len(cells), self.channels)
            self.products = cells.new_zeros(square)
        self.seen += len(feature)
        self.sums += cells.sum(1)
        if self.diagonal:
            self.products += cells.square().sum(1)
        else:
            self.products.baddbmm_(cells.transpose(1, 2), cells)

    def _over_neighbours(self, sums: Tensor) -> Tensor:
        """Mean over the samples of a place and its `side` x `side` neighbours; sums [places, ...]."""
        shape = sums.shape
        image = sums.reshape(*self.grid, -1).permute(2, 0, 1)[None]
        side = self.side
        means = F.avg_pool2d(image, side, 1, side // 2, count_include_pad=False) / (self.seen * self.block**2)
        return means[0].permute(1, 2, 0).reshape(shape)

    @torch.no_grad()
    def solve(self) -> None:
        """Shrink the covariances and keep their strongest directions."""
        if self.sums is None or self.products is None:
            raise RuntimeError("a place-wise distance is solved before it has seen a fitting picture")
        mean = self._over_neighbours(self.sums)
        moments = self._over_neighbours(self.products)
        self.sums = self.products = None
        self.mean.copy_(mean[:, None])
        if self.diagonal:
            self._solve_diagonal((moments - mean.square()).clamp_min(0))
        else:
            moments -= mean[:, :, None] * mean[:, None, :]
            self._solve_full(moments)

    def _shrunk(self, place: Tensor) -> tuple[Tensor, Tensor]:
        """Covariances (or variances) of the places drawn towards that of all, and the floor."""
        prior = self.settings.prior_pictures
        overall = place.mean(0)
        diagonal = overall if self.diagonal else overall.diagonal()
        place.mul_(self.seen / (self.seen + prior)).add_(overall * (prior / (self.seen + prior)))
        return place, self.settings.floor * diagonal.mean()

    def _solve_diagonal(self, variances: Tensor) -> None:
        shrunk, floor = self._shrunk(variances)
        self.precision.copy_((1 / (shrunk + floor))[:, None])

    def _solve_full(self, covariances: Tensor) -> None:
        shrunk, floor = self._shrunk(covariances)
        kept = self.directions.shape[1]
        for place, covariance in enumerate(shrunk):
            self.directions[place], self.precision[place] = strongest_directions(covariance, floor, kept)

    def forward(self, feature: Tensor, restored: Tensor) -> Tensor:
        """[N, C, H, W] twice -> [N, H, W]; about 1 on good pictures."""
        centred = self._cells(feature - restored) - self.mean.float()
        squares = centred.square()
        if self.diagonal:
            return self._map((squares * self.precision).mean(2), feature.shape[0])
        known = (centred @ self.directions.float().transpose(1, 2)).square().sum(2)
        return self._map((squares.sum(2) - known) * (self.precision[:, :, 0] / self.channels), feature.shape[0])


class ContentGaussian(Distance):
    """Mahalanobis distance with a covariance for every cluster of *restored* features, divided by C.

    What should be there says how far the picture may differ; no place is used, so nothing has to lie aligned.
    """

    centres: Tensor
    mean: Tensor
    directions: Tensor
    precision: Tensor

    # Cells kept for k-means: enough for 256 clusters, little beside the moments.
    RESERVOIR = 65_536
    # Between clusters the distance goes over from one's to the other's, lest rounding decide which it is: a cell
    # belongs to at most so many, those whose squared distance is at most so much more than the nearest's.
    SHARING = 4
    BAND = 0.1

    def __init__(self, shape: tuple[int, int, int], settings: ResidualSettings) -> None:
        super().__init__()
        self.settings = settings
        self.channels = shape[0]
        count, kept = settings.clusters, min(settings.directions, self.channels)
        self.register_buffer("centres", torch.zeros(count, self.channels))
        self.register_buffer("mean", torch.zeros(count, self.channels, dtype=torch.float16))
        self.register_buffer("directions", torch.zeros(count, kept, self.channels, dtype=torch.float16))
        self.register_buffer("precision", torch.ones(count))
        self.kept: list[tuple[Tensor, Tensor]] = []
        self.thinning = 1

    @torch.no_grad()
    def accumulate(self, feature: Tensor, restored: Tensor) -> None:
        """Keep an even share of the cells, thinned out as more come."""
        cells = [x.permute(0, 2, 3, 1).reshape(-1, self.channels) for x in (feature - restored, restored)]
        self.kept.append((cells[0][:: self.thinning].clone(), cells[1][:: self.thinning].clone()))
        while sum(len(part[0]) for part in self.kept) > 2 * self.RESERVOIR:
            self.kept = [(a[::2].clone(), b[::2].clone()) for a, b in self.kept]
            self.thinning *= 2

    def _nearness(self, restored: Tensor) -> Tensor:
        """Of each row [M, C] to every centre, [M, K]: the less the nearer."""
        return self.centres.square().sum(1) - 2 * restored @ self.centres.T

    def _assign(self, restored: Tensor) -> Tensor:
        """Nearest centre of each row [M, C] -> [M]."""
        return self._nearness(restored).argmin(1)

    def _shares(self, restored: Tensor) -> tuple[Tensor, Tensor]:
        """The clusters that each row [M, C] belongs to, and its share of each (sum 1): [M, S] twice."""
        _, owners = self._nearness(restored).topk(min(self.SHARING, len(self.centres)), dim=1, largest=False)
        # the nearness of a cell to a centre is a small difference of large numbers, too rough to weigh by
        apart = (restored[:, None] - self.centres[owners]).square().sum(2)
        nearest = apart.amin(1, keepdim=True)
        weights = (1 - (apart - nearest) / (self.BAND * nearest).clamp_min(1e-6)).clamp_min(0)
        return owners, weights / weights.sum(1, keepdim=True)

    @torch.no_grad()
    def solve(self) -> None:
        """Cluster the restored features (Lloyd's algorithm), then one shrunk covariance a cluster."""
        residual = torch.cat([part[0] for part in self.kept])
        restored = torch.cat([part[1] for part in self.kept])
        self.kept = []
        count = len(self.centres)
        self.centres.copy_(restored[torch.linspace(0, len(restored) - 1, count).long()])
        for _ in range(10):
            owner = self._assign(restored)
            sums = torch.zeros_like(self.centres).index_add_(0, owner, restored)
            sizes = torch.bincount(owner, minlength=count)[:, None]
            self.centres.copy_(torch.where(sizes > 0, sums / sizes.clamp_min(1), self.centres))
        overall = residual.T.cov(correction=0)
        floor = self.settings.floor * overall.diagonal().mean()
        owner = self._assign(restored)
        for cluster in range(count):
            self._solve_cluster(cluster, residual[owner == cluster], overall, floor)

    def _solve_cluster(self, cluster: int, members: Tensor, overall: Tensor, floor: Tensor) -> None:
        size, prior, kept = len(members), 10 * self.settings.prior_pictures, self.directions.shape[1]
        covariance = overall
        if size > 1:
            self.mean[cluster] = members.mean(0).half()
            covariance = (size * members.T.cov(correction=0) + prior * overall) / (size + prior)
        self.directions[cluster], self.precision[cluster] = strongest_directions(covariance, floor, kept)

    def forward(self, feature: Tensor, restored: Tensor) -> Tensor:
        """[N, C, H, W] twice -> [N, H, W]."""
        cells = feature.permute(0, 2, 3, 1).flatten(0, 2)
        normal = restored.permute(0, 2, 3, 1).flatten(0, 2)
        owners, weights = self._shares(normal)
        distances = torch.zeros_like(cells[:, 0])
        for rank in range(owners.shape[1]):
            distances = distances + weights[:, rank] * self._distance(cells - normal, owners[:, rank])
        return distances.view(feature.shape[0], *feature.shape[2:])

    def _distance(self, residual: Tensor, owner: Tensor) -> Tensor:
        """Of residuals [M, C] under the clusters [M], [M]."""
        centred = residual - self.mean.float()[owner]
        known = (self.directions.float()[owner] @ centred[:, :, None]).square().sum((1, 2))
        return (centred.square().sum(1) - known) * self.precision[owner] / self.channels
