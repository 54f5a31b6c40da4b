"""How a prediction shows itself in a notebook: verdict, picture, heat map."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from restora.images.display import inline_image
from restora.images.overlay import heat_overlay

if TYPE_CHECKING:
    from restora.verdicts.prediction import Prediction

# readable on a light and on a dark page; the word says the same as the colour
COLOURS = {"ok": "#2e8b57", "review": "#b8860b", "defect": "#c0392b", "error": "#7f8c8d"}
LARGEST_SIDE = 384


def prediction_html(prediction: Prediction) -> str:
    """A small self-contained piece of HTML; pictures only where maps were asked for."""
    verdict = f'<b style="color:{COLOURS[prediction.verdict]}">{prediction.verdict}</b>'
    return (
        f"<figure style='margin:0'><figcaption>{escape(prediction.name)}: {verdict} {escape(_facts(prediction))}"
        f"</figcaption>{pictures_html(prediction)}</figure>"
    )


def _facts(prediction: Prediction) -> str:
    if prediction.error is not None:
        return prediction.error
    facts = [] if prediction.p_value is None else [f"p = {prediction.p_value:.4g}"]
    facts += [f"score {prediction.score:.4g}", f"doubt {prediction.doubt:.3g}"]
    if prediction.regions:
        facts.append(f"{len(prediction.regions)} region{'s' if len(prediction.regions) > 1 else ''}")
    return ", ".join(facts) + (f" ({prediction.reason})" if prediction.reason else "")


def pictures_html(prediction: Prediction) -> str:
    """The picture and its heat map as two `img`; empty where maps were not asked for."""
    if prediction.pixels is None or prediction.map is None:
        return ""
    plain = inline_image(prediction.pixels, "the picture", LARGEST_SIDE)
    if prediction.colours is None:
        return plain
    heat = heat_overlay(prediction.pixels, prediction.map, *prediction.colours, prediction.regions)
    return plain + " " + inline_image(heat, "where it differs from a good one", LARGEST_SIDE)
