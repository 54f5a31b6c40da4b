"""Pictures of the drawn products, good and with some of its defects, for the page "Quick start".

    python docs/figures/products.py

Writes PNG files into docs/figures/products/ and prints a table of them. Needs no torch.
"""

from __future__ import annotations

import numpy as np
from panels import HERE, Pixels, save

from restora.demo import PRODUCTS, draw
from restora.demo.draw import SHOWN
from restora.images.overlay import heat_overlay
from restora.metrics.regions import regions_above

OUT = HERE / "products"
SEED = 92_000
# Of each product the kinds that are shown, where it has them; else its first ones.
LIKED = ("scratch", "missing_hole", "crack", "hole", "thick_thread", "stain", "missing", "misplaced", "chip")
KINDS = 3


def framed(product: str, kind: str, seed: int) -> Pixels:
    """The picture, with a frame around its defect."""
    drawn = draw(product, kind, seed, 256)
    nothing = np.zeros(drawn.mask.shape, np.float32)
    near = np.zeros_like(nothing)
    for row, column in np.argwhere(drawn.mask):  # one frame for parts that lie close together
        near[max(0, row - 6) : row + 7, max(0, column - 6) : column + 7] = 1
    return heat_overlay(drawn.pixels, nothing, 0, 1, regions_above(near, 0.5))


def main() -> None:
    """Write one good and some defective pictures of every product shown, and print the table of them."""
    print("| product | good | defective | | |\n|---|---|---|---|---|")
    for name in SHOWN:
        every = PRODUCTS[name].kinds
        liked = [kind for kind in LIKED if kind in every]
        kinds = [*liked, *(kind for kind in every if kind not in liked)][:KINDS]
        save(OUT / f"{name}-good.png", draw(name, "good", SEED, 256).pixels)
        cells = [f"`{name}`", f"![{name}, good](figures/products/{name}-good.png)"]
        for number, kind in enumerate(kinds, start=1):
            save(OUT / f"{name}-{kind}.png", framed(name, kind, SEED + number))
            cells.append(f"![{name}, {kind.replace('_', ' ')}, framed](figures/products/{name}-{kind}.png)")
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
