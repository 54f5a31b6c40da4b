from __future__ import annotations

import copy

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file

from restora.export.graph import export_graph, read_spans, save_state
from restora.export.network import Network
from restora.export.parity import torch_outputs
from restora.runtimes.onnx import OnnxRuntime

OUTPUTS = ("score", "doubt", "map", "probability", "aleatoric", "epistemic")


@pytest.fixture(scope="module")
def graph(exported) -> onnx.ModelProto:
    return onnx.load(exported.graph, load_external_data=False)


def every_node(graph: onnx.ModelProto) -> list[onnx.NodeProto]:
    nodes = list(graph.graph.node) + [node for function in graph.functions for node in function.node]
    for node in nodes:
        nodes += [inner for attribute in node.attribute for inner in attribute.g.node]
    return nodes


def test_the_graph_is_whole_and_takes_pictures(exported, graph):
    onnx.checker.check_model(str(exported.graph), full_check=True)
    (given,) = graph.graph.input
    assert given.name == "picture"
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    shape = given.type.tensor_type.shape.dim
    assert shape[0].dim_param  # any number of pictures
    assert [side.dim_value for side in shape[1:]] == [64, 96, 3]
    assert tuple(output.name for output in graph.graph.output) == OUTPUTS


def test_the_graph_computes_what_torch_computes(exported, pictures):
    given = pictures(5, seed=3)
    ours, theirs = torch_outputs(exported.network, given), exported.runtime(given)
    assert set(ours) == set(theirs) == set(OUTPUTS)
    for name in OUTPUTS:
        largest = np.abs(ours[name]).max()
        assert largest > 1e-4, name
        np.testing.assert_allclose(theirs[name], ours[name], atol=1e-4 * largest, rtol=0)


def test_score_and_doubt_are_the_largest_of_their_maps(exported, pictures):
    seen = exported.runtime(pictures(3, seed=4))
    np.testing.assert_array_equal(seen["score"], seen["map"].max((1, 2)))
    np.testing.assert_array_equal(seen["doubt"], seen["epistemic"].max((1, 2)))
    assert seen["map"].shape == (3, 16, 24)
    assert seen["probability"].shape == (3, 8, 12)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_any_number_of_pictures(exported, pictures, count):
    given = pictures(8)
    seen = exported.runtime(given[:count])
    assert {len(values) for values in seen.values()} == {count}
    np.testing.assert_allclose(seen["score"], exported.runtime(given)["score"][:count], rtol=1e-4)


def test_the_graph_says_nothing_of_where_it_was_made(exported, graph):
    data = exported.graph.read_bytes()
    for word in (
        b".py",
        b"/src",
        b"site-packages",
        b"stack_trace",
        b"Traceback",
        b"pkg.torch",
        str(exported.graph.parent).encode(),
    ):
        assert word not in data
    assert (graph.producer_name, graph.doc_string, list(graph.metadata_props)) == ("restora", "", [])
    assert not [node.name for node in every_node(graph) if node.metadata_props or node.doc_string]
    for part in (*graph.graph.value_info, *graph.graph.initializer, *graph.graph.input, *graph.graph.output):
        assert not list(part.metadata_props)
        assert not part.doc_string


def test_no_number_is_stored_twice(exported, graph):
    """Whatever is larger than a kilobyte is a pointer into the safetensors file, at the place of that tensor."""
    spans, data = read_spans(exported.state)
    outside = 0
    for tensor in graph.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            facts = {entry.key: entry.value for entry in tensor.external_data}
            start, end = spans[tensor.name]
            assert facts == {"location": exported.state.name, "offset": str(start), "length": str(end - start)}
            outside += end - start
        else:
            assert tensor.ByteSize() < 2000, tensor.name
    for node in every_node(graph):
        assert all(attribute.t.ByteSize() < 2000 for attribute in node.attribute)
    assert exported.graph.stat().st_size < 300_000
    assert outside > 0.9 * exported.state.stat().st_size
    assert len(data) == exported.state.stat().st_size


def test_the_numbers_are_those_of_the_network(exported):
    stored = load_file(exported.state)
    state = exported.network.state_dict()
    assert set(stored) == set(state)
    assert all(torch.equal(stored[name], tensor) for name, tensor in state.items())


def test_the_same_network_gives_the_same_bytes(exported, tmp_path):
    state, graph = tmp_path / exported.state.name, tmp_path / "graph.onnx"
    save_state(exported.network, state)
    export_graph(exported.network, (64, 96), state, state.name, graph)
    assert state.read_bytes() == exported.state.read_bytes()
    assert graph.read_bytes() == exported.graph.read_bytes()


def test_a_number_changed_in_the_file_changes_the_graph(exported, pictures, tmp_path):
    spans, _ = read_spans(exported.state)
    data = bytearray(exported.state.read_bytes())
    start, end = spans["head.residual.rules.0.0.directions"]
    data[start:end] = bytes(end - start)  # no direction known: every distance of that level grows
    (tmp_path / exported.state.name).write_bytes(bytes(data))
    (tmp_path / "graph.onnx").write_bytes(exported.graph.read_bytes())
    before, after = (
        runtime(pictures(2))["map"] for runtime in (exported.runtime, OnnxRuntime(tmp_path / "graph.onnx", 1))
    )
    assert (after >= before).all()
    assert after.mean() > 1.01 * before.mean()


def test_a_network_that_does_not_perceive_gives_three_outputs(exported, pictures):
    blind = copy.deepcopy(exported.network)
    blind.head.perceived = ()
    plain = Network(blind.trunk, blind.head).eval()
    seen = torch_outputs(plain, pictures(2))
    assert set(seen) == {"score", "doubt", "map"}
    assert not seen["doubt"].any()
    np.testing.assert_array_equal(seen["map"], torch_outputs(exported.network, pictures(2))["map"])
