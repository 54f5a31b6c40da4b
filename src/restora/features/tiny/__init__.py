"""`restora-tiny`, the trunk in the box: a small network of our own, its weights and their card."""

from __future__ import annotations

from pathlib import Path

#: The bundled weights; `card.md` beside them says who taught them, with what, and what they lose.
BUNDLED = Path(__file__).parent / "restora-tiny.safetensors"
