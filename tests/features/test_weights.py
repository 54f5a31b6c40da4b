from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from restora.errors import MissingError, SettingsError, UsageError
from restora.features.checkpoint import file_digest
from restora.features.pyramid import load_trunk
from restora.features.resnet import ResNet
from restora.features.terms import UNSTATED, known_terms
from restora.features.weights import find_weights, import_weights, list_weights

State = dict[str, Tensor]


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RESTORA_WEIGHTS", raising=False)


@pytest.fixture(scope="module")
def published() -> State:
    """A small random checkpoint of ResNet-18: stem, layer1 and a classifier, without bookkeeping of training."""
    generator = torch.Generator().manual_seed(5)
    state = ResNet("resnet18", (1,)).state_dict()
    state = {name: torch.rand(t.shape, generator=generator) for name, t in state.items() if "num_batches" not in name}
    return {**state, "fc.weight": torch.rand(10, 512), "fc.bias": torch.rand(10)}


def held_by(path: Path) -> State:
    return load_trunk("resnet18", weights=path, levels=(1,)).body.state_dict()


def test_safetensors_fit_by_name_and_what_is_beyond_the_trunk_is_left(tmp_path: Path, published: State) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({name: tensor.half() for name, tensor in published.items()}, path)
    got = held_by(path)
    assert "fc.weight" not in got
    for name, tensor in got.items():
        if "num_batches" not in name:
            assert tensor.dtype == torch.float32
            torch.testing.assert_close(tensor, published[name].half().float(), rtol=0, atol=0)


@pytest.mark.parametrize("wrap", [dict, lambda state: {"state_dict": state, "epoch": 3}, lambda s: {"model": s}])
def test_pth_is_read_through_the_usual_wrappings(tmp_path: Path, published: State, wrap: type) -> None:
    path = tmp_path / "weights.pth"
    torch.save(wrap({f"module.{name}": tensor for name, tensor in published.items()}), path)
    assert torch.equal(held_by(path)["layer1.1.conv2.weight"], published["layer1.1.conv2.weight"])


def test_a_pickle_that_would_run_a_program_is_refused(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(Harm(), protocol=2))
    with pytest.raises(SettingsError, match="weights-only"):
        held_by(path)
    assert not (tmp_path / "ran").exists()


def test_a_missing_tensor_is_named(tmp_path: Path, published: State) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({name: t for name, t in published.items() if name != "layer1.1.bn2.running_var"}, path)
    with pytest.raises(SettingsError, match=r"tensor layer1\.1\.bn2\.running_var is missing.*needs \[64\]"):
        held_by(path)


def test_a_tensor_of_another_shape_is_named_with_both_shapes(tmp_path: Path, published: State) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({**published, "layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1)}, path)
    with pytest.raises(SettingsError, match=r"conv1\.weight is \[64, 64, 1, 1\].*needs \[64, 64, 3, 3\]"):
        held_by(path)


def test_a_tensor_that_is_not_finite_is_named(tmp_path: Path, published: State) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({**published, "bn1.bias": torch.full((64,), torch.nan)}, path)
    with pytest.raises(SettingsError, match=r"tensor bn1\.bias .*not finite"):
        held_by(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt"])
@pytest.mark.parametrize("content", [b"", b"this is a text", bytes(range(256)) * 20])
def test_a_file_of_something_else_is_refused_in_one_sentence(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        held_by(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_weights_every_way_to_get_some_is_named() -> None:
    with pytest.raises(MissingError, match=r"--weights.*RESTORA_WEIGHTS.*weights import.*--trunk restora-tiny"):
        find_weights("resnet18")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no-such-file"):
        find_weights("resnet18", tmp_path / "no-such-file")


def test_weights_are_looked_for_in_the_order_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(*parts: str) -> Path:
        path = tmp_path.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        return path

    user = put("home", "restora", "weights", "resnet18.safetensors")
    assert find_weights("resnet18") == user
    folder = put("shelf", "resnet18-f37072fd.pth")
    put("shelf", "resnet18d-0000.pth")
    monkeypatch.setenv("RESTORA_WEIGHTS", str(folder.parent))
    assert find_weights("resnet18") == folder
    with pytest.raises(MissingError):
        find_weights("resnet34")
    file = put("file.safetensors")
    monkeypatch.setenv("RESTORA_WEIGHTS", str(file))
    assert find_weights("resnet18") == file
    named = put("named.pth")
    assert find_weights("resnet18", named) == named
    assert find_weights("resnet18", "random") is None


def test_of_several_files_none_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("vgg16-1.pth", "vgg16-2.pth", "vgg16_bn-3.pth", "resnet50-4.pth", "wide_resnet50_2-5.pth"):
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setenv("RESTORA_WEIGHTS", str(tmp_path))
    assert find_weights("resnet50") == tmp_path / "resnet50-4.pth"
    assert find_weights("wide_resnet50_2") == tmp_path / "wide_resnet50_2-5.pth"
    with pytest.raises(SettingsError, match=r"vgg16-1\.pth, vgg16-2\.pth\)"):
        find_weights("vgg16")
    (tmp_path / "vgg16.pth").write_bytes(b"")
    assert find_weights("vgg16") == tmp_path / "vgg16.pth"


def test_imported_weights_are_found_and_carry_their_terms(tmp_path: Path, published: State) -> None:
    path = tmp_path / "some.pth"
    torch.save(published, path)
    told = import_weights(path, "resnet18", licence="MIT", terms="ask first")
    assert find_weights("resnet18") == told.path
    assert (told.licence, told.terms) == ("MIT", "ask first")
    assert list_weights()[0] == told
    card = load_trunk("resnet18", levels=(1,)).card
    assert told.path is not None
    assert (card.name, card.sha256, card.licence) == ("resnet18", file_digest(told.path), "MIT")
    with pytest.raises(UsageError, match="already"):
        import_weights(path, "resnet18")
    again = import_weights(path, "resnet18", licence="MIT", terms="ask first", overwrite=True)
    assert again.sha256 == told.sha256


def test_an_import_that_does_not_fit_leaves_nothing(tmp_path: Path, published: State) -> None:
    path = tmp_path / "some.safetensors"
    save_file({name: tensor for name, tensor in published.items() if name != "conv1.weight"}, path)
    with pytest.raises(SettingsError, match=r"conv1\.weight is missing"):
        import_weights(path, "resnet18")
    with pytest.raises(UsageError, match="resnet18"):
        import_weights(path, "resnet81")
    assert not (tmp_path / "home").exists()


def test_licence_of_a_file_that_states_it_and_of_one_that_does_not(tmp_path: Path, published: State) -> None:
    plain, stating = tmp_path / "plain.safetensors", tmp_path / "stating.safetensors"
    save_file(published, plain)
    save_file(published, stating, metadata={"license": "apache-2.0"})
    assert load_trunk("resnet18", weights=plain, levels=(1,)).card.licence == UNSTATED
    assert load_trunk("resnet18", weights=stating, levels=(1,)).card.licence == "apache-2.0"


def test_terms_of_published_files_are_known_by_their_digest() -> None:
    licence, terms = known_terms("f37072fd" + 56 * "0")
    assert "BSD-3-Clause" in licence
    assert "non-commercial" in terms
    assert known_terms(64 * "0") == (UNSTATED, UNSTATED)


def test_random_weights_follow_the_seed_and_leave_the_callers_generator() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first, same, other = (load_trunk("resnet18", weights="random", levels=(1,), seed=seed) for seed in (7, 7, 8))
    assert torch.rand(1) == expected
    assert first.card == same.card
    assert first.card.sha256 != other.card.sha256
    assert "random" in first.card.licence
