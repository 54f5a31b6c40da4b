"""Fits one model of anomalib and writes its raw maps; run by the Python of another environment, which holds anomalib.

    python anomalib_worker.py JOB.json

It knows nothing of Restora and nothing of Restora imports it: `anomalib.py` beside it writes the job, with prepared
pictures of one size, and reads what is written here. anomalib's own engine, optimiser, losses and maps are used; left
out are its validation, early stopping and thresholds, which look at test pictures.
PatchCore's greedy search and the two trainings end at a limit; PaDiM, one pass and a Gaussian a place, has none.

The job, JSON: `model` (a key of `MODELS`), `weights` (safetensors of resnet18 up to layer3), `size` [height, width],
`fitting` and `test` (folders of PNG files of that size), `maps` (folder to fill), `result` (file to write), `seed`,
`threads`, `minutes` (limit of the fit in processor time, so that a busy machine cuts no more than an idle one),
`scratch` (folder for whatever the engine keeps).
The result, JSON: `scores` (the model's own raw score a test picture), `cut` (what the limit left out, or null),
`epochs`, `fit_seconds`, `fit_cpu_seconds`, `score_seconds`, `versions`.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from anomalib import __version__ as anomalib_version
from anomalib.data.datasets.image.folder import FolderDataset
from anomalib.data.utils import read_image
from anomalib.engine import Engine
from anomalib.models import Padim, Patchcore, ReverseDistillation, Stfpm
from lightning.pytorch import seed_everything
from lightning.pytorch.callbacks import Callback
from safetensors.torch import load_file
from torch.utils.data import DataLoader

BACKBONE = "resnet18"
THREE = ("layer1", "layer2", "layer3")
BATCH = {"patchcore": 8, "padim": 8, "stfpm": 16, "reverse-distillation": 16}
EPOCHS = {"stfpm": 100, "reverse-distillation": 200}  # of anomalib's own example configurations
TEACHERS = {"patchcore": "feature_extractor", "padim": "feature_extractor", "stfpm": "teacher_model"}
CORESET = 0.1
# anomalib's class and what it is built with; sizes are its own defaults for this backbone
MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "patchcore": (
        Patchcore,
        {"layers": THREE[1:], "pre_trained": False, "coreset_sampling_ratio": CORESET, "num_neighbors": 9},
    ),
    "padim": (Padim, {"layers": list(THREE), "pre_trained": False, "n_features": 100}),
    "stfpm": (Stfpm, {"layers": THREE}),
    "reverse-distillation": (ReverseDistillation, {"layers": THREE, "pre_trained": False}),
}
PROBE_ROWS, PROBE_STEPS, WARM_STEPS = 100_000, 15, 5
SAFE = 0.85  # of the time left is planned for, since a step's time is known from a probe only


def build(name: str, size: tuple[int, int]) -> Any:
    """The untrained model with anomalib's own preparation for `size`: no change of size, ImageNet's normalisation."""
    model, options = MODELS[name]
    own = model.configure_pre_processor(image_size=size)
    return model(BACKBONE, pre_processor=own, post_processor=False, evaluator=False, visualizer=False, **options)


def without_download() -> None:
    """Let no constructor fetch weights: STFPM asks for its teacher's with no switch."""
    create = timm.create_model

    def create_bare(*args: Any, **options: Any) -> Any:
        return create(*args, **{**options, "pretrained": False})

    timm.create_model = create_bare


def load_teacher(module: Any, name: str, weights: Path) -> None:
    """Put the given trunk weights into the frozen network of the model; every tensor of it must be there."""
    network = getattr(module.model, TEACHERS.get(name, "encoder")).feature_extractor
    held = load_file(str(weights))
    wanted = [key for key in network.state_dict() if not key.endswith("num_batches_tracked")]
    missing = [key for key in wanted if key not in held]
    if missing:
        raise RuntimeError(f"{weights} lacks {missing[0]}")
    network.load_state_dict({key: held[key].float() for key in wanted}, strict=False)


def thin(store: list[torch.Tensor], left: float) -> dict[str, Any] | None:
    """Leave as many random patches as a coreset of can be chosen in `left` seconds; what was left out, or None.

    One step compares all rows with one centre; steps are a tenth of the rows: time = ratio * rows^2 * cost.
    """
    patches = torch.vstack(store)
    keep = min(len(patches), int(math.sqrt(max(left, 1.0) * SAFE / (CORESET * step_cost(patches.shape[1])))))
    if keep == len(patches):
        return None
    chosen = torch.randperm(len(patches))[:keep].sort().values
    store[:] = [patches[chosen]]
    return {"what": "random patches before the coreset", "kept": keep, "of": len(patches)}


class Limit(Callback):  # type: ignore[misc]
    """Stops a training after `seconds` of processor time."""

    def __init__(self, seconds: float) -> None:
        self._until = time.process_time() + seconds

    def on_train_batch_end(self, trainer: Any, *rest: Any) -> None:
        """Ask the trainer to stop behind the step that passes the limit."""
        del rest
        if time.process_time() > self._until:
            trainer.should_stop = True


def step_cost(channels: int) -> float:
    """Seconds of processor time a row of one step of the greedy search, as wide as anomalib's projection leaves it."""
    rows = torch.randn(PROBE_ROWS, min(channels, 284))
    nearest = torch.full((PROBE_ROWS, 1), math.inf)
    start = time.process_time()
    for step in range(WARM_STEPS + PROBE_STEPS):
        if step == WARM_STEPS:  # the first ones wait for memory
            start = time.process_time()
        distances = torch.linalg.norm(rows - rows[step], ord=2, dim=1, keepdim=True)
        nearest = torch.minimum(nearest, distances)
        nearest.squeeze(1).max(dim=0)
    return (time.process_time() - start) / PROBE_STEPS / PROBE_ROWS


def fit(module: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Fit with anomalib's engine within the limit; what was cut, and the epochs done (None: nothing to train)."""
    name, limit, start = job["model"], 60 * job["minutes"], time.process_time()
    found: dict[str, Any] = {"cut": None, "epochs": None}
    dataset = FolderDataset("fitting", normal_dir=job["fitting"], split="train")
    batch = min(BATCH[name], len(dataset))
    loader = DataLoader(dataset, batch, shuffle=True, num_workers=0, collate_fn=dataset.collate_fn)
    if name == "patchcore":
        choose = module.fit

        def thin_and_choose() -> None:
            found["cut"] = thin(module.model.embedding_store, limit - (time.process_time() - start))
            choose()

        module.fit = thin_and_choose
    options: dict[str, Any] = {"max_epochs": EPOCHS.get(name, 1), "callbacks": []}
    if name in EPOCHS:
        options["callbacks"] = [Limit(limit)]
    engine = Engine(
        default_root_dir=job["scratch"],
        accelerator="cpu",
        devices=1,
        barebones=True,
        **options,
    )
    engine.fit(module, train_dataloaders=loader)
    if name in EPOCHS:
        trainer = engine.trainer
        found["epochs"] = round(trainer.global_step / len(loader), 2)
        if trainer.global_step < EPOCHS[name] * len(loader):
            found["cut"] = {"what": "training", "kept": found["epochs"], "of": EPOCHS[name]}
    return found


@torch.inference_mode()
def score(module: Any, job: dict[str, Any]) -> list[float]:
    """Write the raw map of every test picture, float32 [height, width]; the model's own scores, in the files' order."""
    network, scores = module.model.eval(), []
    for path in sorted(Path(job["test"]).glob("*.png")):
        picture = read_image(path, as_tensor=True)[None]
        if list(picture.shape[2:]) != job["size"]:
            raise RuntimeError(f"{path} is not of the size {job['size']}")
        answer = network(module.pre_processor.transform(picture))
        np.save(Path(job["maps"]) / f"{path.stem}.npy", answer.anomaly_map.reshape(job["size"]).float().numpy())
        scores.append(float(answer.pred_score.reshape(-1)[0]))
    return scores


def main() -> None:
    """Do the job named on the command line."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(job["threads"])
    without_download()
    seed_everything(job["seed"])
    module = build(job["model"], tuple(job["size"]))
    load_teacher(module, job["model"], Path(job["weights"]))
    start, processor = time.perf_counter(), time.process_time()
    found = fit(module, job)
    fitted, processor = time.perf_counter(), time.process_time() - processor
    scores = score(module, job)
    result = {
        **found,
        "scores": scores,
        "fit_seconds": round(fitted - start, 1),
        "fit_cpu_seconds": round(processor, 1),
        "score_seconds": round(time.perf_counter() - fitted, 1),
        "versions": {"anomalib": anomalib_version, "torch": torch.__version__, "timm": timm.__version__},
    }
    written = Path(job["result"])
    written.with_suffix(".part").write_text(json.dumps(result), encoding="utf-8")
    os.replace(written.with_suffix(".part"), written)


if __name__ == "__main__":
    main()
