"""Models that do not belong together are refused in one sentence; that those that do become the model of a training
of all is a check of the contract (`tests/contract/test_model.py`).
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from restora.bundle import FittingFacts, InputSpec, Model, TrunkCard, read_model
from restora.errors import UsageError
from restora.training.join import check_alike, check_source, join, joined_method


@pytest.fixture
def model(make_model, tmp_path):
    """A model by what its manifest says differently; two of the same are alike."""
    plain = read_model(make_model(tmp_path / "plain.restora"))

    def made(method: str = "ura-net", **changes: object) -> Model:
        manifest = plain.manifest.model_copy(update={"method": method, **changes})
        return Model(tmp_path / f"{method}.restora", manifest, plain.fingerprint)

    return made


def sentence(caught: pytest.ExceptionInfo[UsageError]) -> str:
    """What was said, which must be one sentence."""
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    assert ". " not in said
    return said


@pytest.mark.parametrize(
    "methods", [("ura-net", "ura-net"), ("ura-net",), ("ura-net", "mfr-net", "mfr-net"), ("x", "y")]
)
def test_only_one_model_of_each_method_can_be_joined(model, methods):
    with pytest.raises(UsageError) as caught:
        joined_method([model(method) for method in methods])
    assert f"Models of {' and '.join(sorted(methods))} cannot be joined" in sentence(caught)
    assert "both joins ura-net and mfr-net" in str(caught.value)


def test_the_order_in_which_models_are_named_is_of_no_account(model):
    assert joined_method([model("mfr-net"), model("ura-net")]) == "both"


def card(**changes: str) -> TrunkCard:
    return TrunkCard(**{"name": "none", "sha256": "0" * 64, "licence": "Apache-2.0", "terms": "none", **changes})


def spec(**changes: object) -> InputSpec:
    return InputSpec(**{"height": 32, "width": 64, "resize": "pillow-bilinear-antialias", **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trunk": card(name="resnet18")}, "differ in their trunk"),
        ({"trunk": card(sha256="1" * 64)}, "differ in their trunk"),
        ({"input": spec(height=64)}, "differ in their input"),
        ({"input": spec(depth=12)}, "differ in their input"),
        ({"fitting": FittingFacts(count=3, fingerprint="e" * 64)}, "differ in their fitting pictures"),
        ({"input": spec(ignore="ignore")}, "leaves places out"),
    ],
)
def test_models_that_were_not_made_alike_are_refused(model, changes, words):
    check_alike([model("ura-net"), model("mfr-net")])
    with pytest.raises(UsageError, match=words) as caught:
        check_alike([model("ura-net"), model("mfr-net", **changes)])
    assert "mfr-net.restora" in sentence(caught)


@pytest.mark.parametrize(
    ("pictures", "trunk", "words"),
    [("e" * 64, "0" * 64, "not made of the pictures of parts"), ("f" * 64, "1" * 64, "other weights of its trunk")],
)
def test_other_pictures_or_weights_than_the_models_own_are_refused(model, pictures, trunk, words):
    plan = SimpleNamespace(fingerprint=pictures, dataset="parts")
    with pytest.raises(UsageError, match=words) as caught:
        check_source(model(), plan, trunk)
    sentence(caught)
    check_source(model(), SimpleNamespace(fingerprint="f" * 64, dataset="parts"), "0" * 64)


def test_what_is_refused_leaves_nothing_behind(make_model, tmp_path, pictures):
    folders = [make_model(tmp_path / name) for name in ("a.restora", "b.restora")]
    with pytest.raises(UsageError, match="Models of brightness and brightness cannot be joined"):
        join(folders, pictures(8), out=tmp_path / "c.restora")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.restora", "b.restora"]
