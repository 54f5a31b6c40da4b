"""Graphs that differ from a good one in bytes, in nodes, in what they take and give, in where their numbers lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .picture_cases import HARMS, harmed, numbers

TYPES = ("FLOAT", "FLOAT16", "DOUBLE", "INT64", "INT32", "UINT8", "BOOL", "STRING", "COMPLEX64", "UNDEFINED")
INPUTS = (["N", 32, 64, 3], [1, 32, 64, 3], ["N", 64, 32, 3], ["N", 3, 32, 64], [], ["N"], [0, 32, 64, 3],
          ["A", "B", "C", "D"], [2**40, 32, 64, 3], [-1, 32, 64, 3])  # fmt: skip
OPERATORS = (
    "Relu", "Sqrt", "Log", "Neg", "Abs", "Exp", "Reciprocal", "Identity", "Not", "Softmax", "Shape", "Size",
    "NonZero", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Cast", "NoSuchOperator", "If", "Loop",
)  # fmt: skip
LOCATIONS = ("../outside/secret.bin", "/etc/passwd", "/dev/zero", "..", ".", "", "gone.bin", "link.bin", "folder",
             "manifest.json", "a\0b", "n" * 300, "../changed.restora/../outside/secret.bin")  # fmt: skip
EXTENTS = ("0", "4", "-1", "8", str(2**31), str(2**63 - 1), str(2**70), "x", "", "1e3")

byte_harms = st.tuples(
    st.just("bytes"),
    st.sampled_from(("graph", "restorer")),
    st.lists(st.sampled_from(tuple(HARMS)), min_size=1, max_size=2),
)
model_harms = st.one_of(
    st.tuples(st.just("input type"), st.sampled_from(TYPES), st.none()),
    st.tuples(st.just("input shape"), st.sampled_from(INPUTS), st.none()),
    st.tuples(st.just("output type"), st.sampled_from(("score", "doubt", "map")), st.sampled_from(TYPES)),
    st.tuples(st.just("drop output"), st.sampled_from(("score", "doubt", "map")), st.none()),
    st.tuples(st.just("rename"), st.sampled_from(("picture", "score", "map", "cells")), st.text(max_size=4)),
    st.tuples(st.just("operator"), st.integers(0, 7), st.sampled_from(OPERATORS)),
    st.tuples(st.just("before"), st.sampled_from(("score", "doubt", "map")), st.sampled_from(OPERATORS)),
    st.tuples(st.just("cycle"), st.integers(0, 7), st.none()),
    st.tuples(st.just("drop node"), st.integers(0, 7), st.none()),
    st.tuples(st.just("axis"), st.integers(0, 3), st.sampled_from((-9, -1, 0, 7, 2**31, -(2**63)))),
    st.tuples(st.just("attribute"), st.integers(0, 7), st.sampled_from((0, -1, 2**31 - 1, 2**40, 1000))),
    st.tuples(st.just("location"), st.sampled_from(LOCATIONS), st.sampled_from(EXTENTS)),
    st.tuples(st.just("extent"), st.sampled_from(EXTENTS), st.sampled_from(EXTENTS)),
    st.tuples(st.just("scale"), st.sampled_from((0.0, -1.0, 1e-38, 1e38, np.inf, -np.inf, np.nan)), st.none()),
    st.tuples(st.just("version"), st.sampled_from((0, 1, 7, 18, 23, 999, 2**40, -1)), st.sampled_from((0, 3, 10, 99))),
    st.tuples(
        st.just("extra output"),
        st.sampled_from(("probability", "aleatoric", "junk")),
        st.sampled_from(("map", "score")),
    ),
)
cases = st.tuples(
    st.one_of(byte_harms, st.lists(model_harms, min_size=1, max_size=2).map(lambda made: ("model", made, None))),
    numbers,
)


def changed_files(case: tuple, graph: bytes, restorer: bytes) -> tuple[bytes, bytes]:
    """Graph and restorer's file of a case."""
    (kind, what, more), number = case
    rng = np.random.default_rng(number)
    if kind == "bytes":
        files = {"graph": graph, "restorer": restorer}
        for harm in more:
            files[what] = harmed(files[what], harm, rng)
        return files["graph"], files["restorer"]
    import onnx

    model = onnx.load_model_from_string(graph)
    for name, first, second in what:
        if name == "scale":
            restorer = restorer[:-4] + np.float32(first).tobytes()
        else:
            CHANGES[name](model, first, second)
    return model.SerializeToString(), restorer


def link_outside(folder: Path) -> None:
    """What the odd locations of `LOCATIONS` find in a model's folder."""
    (folder / "link.bin").symlink_to("../outside/secret.bin")
    (folder / "folder").mkdir()


def _type(value: Any, name: str) -> None:
    from onnx import TensorProto

    value.type.tensor_type.elem_type = getattr(TensorProto, name)


def _input_shape(model: Any, shape: list[Any], _: Any) -> None:
    from onnx import helper

    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_value_info("picture", 2, shape))


def _output(model: Any, name: str) -> Any:
    return next((output for output in model.graph.output if output.name == name), model.graph.output[0])


def _drop_output(model: Any, name: str, _: Any) -> None:
    kept = [output for output in model.graph.output if output.name != name]
    del model.graph.output[:]
    model.graph.output.extend(kept)


def _rename(model: Any, old: str, new: str) -> None:
    for value in (*model.graph.input, *model.graph.output):
        if value.name == old:
            value.name = new
    for node in model.graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new


def _node(model: Any, number: int) -> Any:
    return model.graph.node[number % len(model.graph.node)] if model.graph.node else _none(model)


def _none(model: Any) -> Any:
    return model.graph.node.add()


def _operator(model: Any, number: int, operator: str) -> None:
    _node(model, number).op_type = operator


def _before(model: Any, output: str, operator: str) -> None:
    """One more node between what an output was and the output."""
    from onnx import helper

    for node in model.graph.node:
        if output in node.output:
            node.output[0] = "was_" + output
    model.graph.node.append(helper.make_node(operator, ["was_" + output], [output]))


def _cycle(model: Any, number: int, _: Any) -> None:
    node = _node(model, number)
    if node.input and node.output:
        node.input[0] = node.output[0]


def _drop_node(model: Any, number: int, _: Any) -> None:
    if model.graph.node:
        del model.graph.node[number % len(model.graph.node)]


def _axis(model: Any, number: int, value: int) -> None:
    from onnx import numpy_helper

    tensor = model.graph.initializer[number % len(model.graph.initializer)]
    if tensor.data_type == 7:
        tensor.CopyFrom(numpy_helper.from_array(np.array([value], np.int64), tensor.name))


def _attribute(model: Any, number: int, value: int) -> None:
    for attribute in _node(model, number).attribute:
        if attribute.ints:
            attribute.ints[0] = value
        else:
            attribute.i = value


def _external(model: Any, **entries: str) -> None:
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            entry.value = entries.get(entry.key, entry.value)


def _version(model: Any, operators: int, form: int) -> None:
    model.opset_import[0].version = operators
    model.ir_version = form


def _extra_output(model: Any, name: str, source: str) -> None:
    from onnx import helper

    model.graph.node.append(helper.make_node("Identity", [source], [name]))
    model.graph.output.append(helper.make_tensor_value_info(name, 1, None))


CHANGES: dict[str, Any] = {
    "input type": lambda model, name, _: [_type(value, name) for value in model.graph.input],
    "input shape": _input_shape,
    "output type": lambda model, name, kind: _type(_output(model, name), kind) if model.graph.output else None,
    "drop output": _drop_output,
    "rename": _rename,
    "operator": _operator,
    "before": _before,
    "cycle": _cycle,
    "drop node": _drop_node,
    "axis": _axis,
    "attribute": _attribute,
    "location": lambda model, place, offset: _external(model, location=place.replace("\0", ""), offset=offset),
    "extent": lambda model, offset, length: _external(model, offset=offset, length=length),
    "version": _version,
    "extra output": _extra_output,
}
