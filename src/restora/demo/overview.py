"""The page that `restora demo` ends with: each product, what was found, and the way to its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from restora.images.files import write_whole
from restora.report.page import page_templates
from restora.verdicts.display import pictures_html

if TYPE_CHECKING:
    from restora.verdicts.prediction import Prediction


@dataclass(frozen=True)
class Exhibit:
    """A product of the demo: its object of `evaluate --json`, and one defective picture of it with its map."""

    product: str
    record: Mapping[str, Any]
    example: Prediction


def write_overview(path: Path, exhibits: Sequence[Exhibit]) -> Path:
    """Write the page, self-contained; its links lead to PRODUCT.html beside it. Returns its path."""
    shown = [_view(exhibit) for exhibit in exhibits]
    aurocs = [exhibit.record["image"]["auroc"] for exhibit in exhibits]
    template = page_templates("restora.demo").get_template("overview.html.jinja")
    write_whole(path, template.render(exhibits=shown, auroc=sum(aurocs) / len(aurocs)))
    return path


def _view(exhibit: Exhibit) -> dict[str, Any]:
    kinds = exhibit.record["kinds"]
    verdicts = exhibit.record["verdicts"]
    return {
        "product": exhibit.product,
        "auroc": exhibit.record["image"]["auroc"],
        "found": sum(kind["found"] for kind in kinds.values()),
        "defects": sum(kind["n"] for kind in kinds.values()),
        "kinds": [(name.replace("_", " "), kind["found"], kind["n"]) for name, kind in kinds.items()],
        "promised": verdicts["promised"],
        "observed": verdicts["observed"],
        "example": exhibit.example.name,
        "picture": Markup(pictures_html(exhibit.example)),
    }
