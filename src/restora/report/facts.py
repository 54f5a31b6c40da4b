"""What a report says about the model, taken from its folder."""

from __future__ import annotations

from typing import Any

from restora.bundle import Manifest, Model
from restora.verdicts.calibration import NO_CALIBRATION, Calibration


def model_facts(model: Model, false_alarms: float | None = None) -> dict[str, Any]:
    """The `facts` of `write_report` that a verified model folder gives; a caller adds `title`, `strangest` and others.

    false_alarms : the rate asked for by name, as in `Calibration.rate`; UsageError where it is not between 0 and 1
    """
    manifest = model.manifest
    facts: dict[str, Any] = {
        "card": {**_card(manifest), "fingerprint": model.fingerprint},
        "terms": manifest.trunk.terms,
        "reproduce": manifest.reproduce,
    }
    if "random numbers" in manifest.trunk.licence:
        facts["notes"] = ("The trunk has random weights: this page shows the way, not what the method can do.",)
    if manifest.calibration is None:
        return {**facts, "sentences": (NO_CALIBRATION,)}
    asked = false_alarms if false_alarms is not None else manifest.calibration.false_alarms
    calibration = Calibration.fit(manifest.calibration.scores, manifest.calibration.doubts)
    promise = calibration.promise(asked)
    return {
        **facts,
        "sentences": promise.sentences,
        "threshold": promise.threshold,
        "review_from": calibration.threshold(min(2 * promise.rate, 0.5)),
        "colours": calibration.colours(promise.rate),
    }


def _card(manifest: Manifest) -> dict[str, str]:
    trunk, entry = manifest.trunk, manifest.input
    calibrated = 0 if manifest.calibration is None else len(manifest.calibration.scores)
    size = sum(file.size for file in manifest.files.values())
    return {
        "method": f"{manifest.method}, preset {manifest.preset}",
        "trunk": f"{trunk.name} (sha256 {trunk.sha256[:12]})",
        "licence of the trunk": trunk.licence,
        "input": f"{entry.height} x {entry.width} pixels" + (f", {entry.depth} bits" if entry.depth else ""),
        "places left out": "yes, by the stored mask" if entry.ignore else "none",
        "fitted on": f"{manifest.fitting.count} good pictures (fingerprint {manifest.fitting.fingerprint[:12]})",
        "calibrated on": f"{calibrated} good pictures it was not fitted on",
        "parity": ", ".join(f"{name} {value:.2g}" for name, value in manifest.parity.items()) or "not stated",
        "settings": f"hash {manifest.settings_hash[:12]}",
        "size": f"{size / 1e6:.1f} MB",
        "made by": f"Restora {manifest.package_version}",
    }
