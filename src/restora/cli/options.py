"""Arguments and options that several verbs share, so that they are spelt and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from restora.images.layouts.folders import Folders

Model = Annotated[Path, typer.Argument(help="The model folder, NAME.restora.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print for machines, on standard output.")]
Layout = Annotated[str | None, typer.Option(help="Layout of the folder; found by itself, see: restora data layouts.")]
Normal = Annotated[Path | None, typer.Option(help="Folder in PATH: good pictures, to train on.")]
Abnormal = Annotated[Path | None, typer.Option(help="Folder in PATH: defective pictures, to test with.")]
NormalTest = Annotated[Path | None, typer.Option(help="Folder in PATH: good pictures, to test with.")]
Masks = Annotated[Path | None, typer.Option(help="Folder in PATH: masks that bear the names of those of --abnormal.")]
FalseAlarms = Annotated[
    float | None,
    typer.Option(help="Share of good pictures that may be called defect, between 0 and 1; 0.01 unless stated."),
]
RuntimeName = Annotated[str, typer.Option("--runtime", help="What runs the graph: auto, onnx, openvino or torch.")]
Batch = Annotated[int | None, typer.Option(min=1, help="Pictures a run of the graph; the model's own unless stated.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of the runtime; the model's own unless stated.")]
Trunk = Annotated[str | None, typer.Option(help="Frozen network whose features are restored, e.g. resnet18.")]
Weights = Annotated[str | None, typer.Option(help="File with the trunk's weights, or: random.")]


def name_data(
    path: Path, normal: Path | None, abnormal: Path | None, normal_test: Path | None, masks: Path | None
) -> Path | Folders:
    """The data set that is meant: PATH itself, or the folders of it that were named."""
    if normal is abnormal is normal_test is masks is None:
        return path
    from restora.images.layouts.folders import Folders

    return Folders(path, normal, abnormal, normal_test, masks)
