from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from restora.bundle import read_model
from restora.errors import MissingError, ModelError, StoppedError
from restora.export.parity import TOLERANCE, check_doubt, check_parity, differences, find_excess
from restora.export.torch_runtime import load_network, open_torch_runtime


def outputs(score: float = 2.0, doubt: float = 0.1, top: float = 2.0) -> dict[str, np.ndarray]:
    anomaly = np.zeros((1, 2, 2), np.float32)
    anomaly[0, 0, 0] = top
    return {"score": np.float32([score]), "doubt": np.float32([doubt]), "map": anomaly}


def test_differences_by_hand():
    found = differences(outputs(), outputs(score=2.1, doubt=0.15, top=1.9))
    # scores relative to the score, doubts as they are, maps relative to the map's largest
    assert found == {
        "score": pytest.approx(0.05, rel=1e-5),
        "doubt": pytest.approx(0.05, rel=1e-5),
        "map": pytest.approx(0.05, rel=1e-5),
    }
    assert set(differences(outputs(), outputs()).values()) == {0.0}


def test_what_is_too_much():
    assert find_excess({"map": 1e-4, "score": 1e-4}) is None
    assert find_excess({"map": 1.01e-4}) == "map"
    assert find_excess({"map": math.nan}) == "map"
    assert find_excess({"doubt": 1.0}) is None  # nothing to compare it with
    assert find_excess({"doubt": 1e-5}, 0.2) is None
    assert find_excess({"doubt": 1e-5}, 0.05) == "doubt"


def test_doubts_are_compared_with_the_calibrations_largest():
    check_doubt(1e-5, 0.2)
    check_doubt(1.0, 0.0)
    check_doubt(9.8e-12, 5.3e-8)  # seen with a perception that never saw an anomaly
    with pytest.raises(StoppedError, match="doubt differs"):
        check_doubt(1.1e-9, 5.3e-8)
    with pytest.raises(StoppedError, match=r"doubt differs from torch's by 1\.0e-05"):
        check_doubt(1e-5, 0.05)


def test_a_true_graph_passes(exported, pictures):
    worst = check_parity(exported.network, exported.runtime, [pictures(4), pictures(2, seed=1)])
    assert set(worst) == set(exported.network.outputs)
    assert max(gap for name, gap in worst.items() if name != "doubt") <= 1e-4


@pytest.mark.parametrize(
    ("weight", "outputs_named"),
    [
        ("trunk.body.layer3.1.conv2.weight", "score|map"),
        ("head.restorer.body.decoders.1.0.bias", "score|map"),
        ("head.restorer.perception.head.samples", "score|map|probability"),
        ("head.residual.rules.0.1.precision", "score|map"),
    ],
)
def test_a_network_with_one_changed_number_is_refused(exported, fresh_network, pictures, weight, outputs_named):
    network = fresh_network()
    check_parity(network, exported.runtime, [pictures(2)])
    with torch.no_grad():
        network.state_dict()[weight].mul_(1.02).add_(0.01)
    with pytest.raises(StoppedError, match=rf"graph's ({outputs_named}) differs from torch's .* not written"):
        check_parity(network, exported.runtime, [pictures(2)])


# ---------------------------------------------------------------------------------------------- torch as runtime


def test_numbers_that_do_not_fit_the_settings_are_refused(model):
    manifest = model.model.manifest
    settings = {**manifest.settings, "ura_net": {**manifest.settings["ura_net"], "restorer": {"width": 64}}}
    other = type(model.model)(
        model.model.folder, manifest.model_copy(update={"settings": settings}), model.model.fingerprint
    )
    with pytest.raises(ModelError, match="do not fit") as caught:
        load_network(other)
    assert "\n" not in str(caught.value)


def test_a_method_from_the_future_is_refused(model):
    other = type(model.model)(
        model.model.folder, model.model.manifest.model_copy(update={"method": "x-net"}), model.model.fingerprint
    )
    with pytest.raises(ModelError, match="'x-net' is not known here; update Restora"):
        load_network(other)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
def test_no_cuda_device_is_missing(model):
    with pytest.raises(MissingError, match="No CUDA device"):
        open_torch_runtime(read_model(model.model.folder), "cuda")


def test_rounding_of_a_doubt_that_is_hardly_there_is_no_difference():
    ours = {"epistemic": np.full((1, 2, 2), 1e-6, np.float32), "map": np.full((1, 2, 2), 1e-6, np.float32)}
    theirs = {name: values * np.float32(1.0005) for name, values in ours.items()}
    found = differences(ours, theirs)
    assert found["epistemic"] < TOLERANCE < found["map"]
