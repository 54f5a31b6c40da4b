"""Write a fitted network as one ONNX graph whose large numbers lie, once, in a safetensors file beside it.

The graph points into that file (ONNX external data), so a model folder holds every weight a single time, and what torch
loads is to the byte what the graph computes with.
"""

from __future__ import annotations

import json
import logging
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto
from safetensors import SafetensorError
from safetensors.torch import save_file

from restora.errors import MissingError
from restora.export.network import Network
from restora.runtimes.contract import INPUT

OPSET = 20

# Numbers smaller than this stay in the graph: a pointer would take as much room.
SMALLEST_EXTERNAL = 1024


def save_state(network: Network, path: Path) -> None:
    """Write every parameter and buffer of the network; no pickle, no date, same state same bytes.

    Raises MissingError when the disk has no room.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    try:
        save_file(state, str(path))
    except (OSError, SafetensorError) as error:
        raise MissingError(f"{path}: the model cannot be written ({str(error).splitlines()[0]}); make room.") from error


def export_graph(network: Network, size: tuple[int, int], state: Path, state_name: str, graph: Path) -> None:
    """Trace the network and write the graph.

    state      : the safetensors file written by `save_state`
    state_name : the name that file will have beside the graph
    graph      : where the .onnx file goes
    """
    network = network.eval()
    example = torch.zeros((2, *size, 3), dtype=torch.uint8)
    with warnings.catch_warnings(), quiet("torch.onnx"):
        warnings.simplefilter("ignore")  # the exporter warns about its own use of torch
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(network.outputs),
            dynamic_shapes=({0: torch.export.Dim("pictures", min=1, max=4096)},),
            optimize=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("the exporter returned no program")
    model = program.model_proto
    strip(model)
    point_into(model, state, state_name)
    graph.write_bytes(model.SerializeToString(deterministic=True))


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Errors only from a library's loggers: what it remarks about optional packages is no use to whoever trains."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def strip(model: onnx.ModelProto) -> None:
    """Remove what says where and when the graph was made: source paths, stack traces, producer, documentation."""
    model.producer_name, model.producer_version, model.doc_string = "restora", "", ""
    del model.metadata_props[:]
    model.graph.doc_string = ""
    del model.graph.metadata_props[:]
    model.graph.name = "restora"
    for part in (
        *model.graph.node,
        *model.graph.value_info,
        *model.graph.initializer,
        *model.graph.input,
        *model.graph.output,
    ):
        del part.metadata_props[:]
        part.doc_string = ""
    for function in model.functions:
        del function.metadata_props[:]
        function.doc_string = ""
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""


def point_into(model: onnx.ModelProto, state: Path, name: str) -> None:
    """Replace initialisers that stand in the safetensors file `state` by pointers to file `name`."""
    spans, data = read_spans(state)
    for tensor in model.graph.initializer:
        raw = tensor.raw_data if tensor.HasField("raw_data") else onnx.numpy_helper.to_array(tensor).tobytes()
        span = spans.get(tensor.name)
        if len(raw) < SMALLEST_EXTERNAL or span is None or bytes(data[span[0] : span[1]]) != raw:
            continue
        for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data"):
            tensor.ClearField(field)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": name, "offset": str(span[0]), "length": str(span[1] - span[0])}.items():
            tensor.external_data.add(key=key, value=value)


def read_spans(path: Path) -> tuple[Mapping[str, tuple[int, int]], np.memmap[Any, np.dtype[np.uint8]]]:
    """Byte spans (start, end) in the file of every tensor of a safetensors file, and the mapped file."""
    data = np.memmap(path, np.uint8, "r")
    (length,) = struct.unpack("<Q", data[:8].tobytes())
    header = json.loads(data[8 : 8 + length].tobytes())
    start = 8 + length
    spans = {
        name: (start + entry["data_offsets"][0], start + entry["data_offsets"][1])
        for name, entry in header.items()
        if name != "__metadata__"
    }
    return spans, data
