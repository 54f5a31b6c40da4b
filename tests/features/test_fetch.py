"""Fetching from a stand-in hub over real HTTP: what is offered, what is kept, and that nothing is where it fails."""

from __future__ import annotations

import errno
import json
import shutil
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

from restora.cli.run import run
from restora.errors import MissingError, RestoraError, SettingsError, StoppedError, UsageError
from restora.features.fetch import fetch_weights, find_offer
from restora.features.pyramid import load_trunk
from restora.features.resnet import ResNet
from restora.features.settings import RESNETS, TINY, VGGS
from restora.features.terms import UNSTATED
from restora.features.vgg import VGG
from restora.features.weights import find_weights, list_weights

RESNET18 = "timm/resnet18.tv_in1k"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RESTORA_WEIGHTS", raising=False)
    return tmp_path / "home"


def bytes_of(network: torch.nn.Module, seed: int = 5) -> bytes:
    generator = torch.Generator().manual_seed(seed)
    state = {name: torch.rand(t.shape, generator=generator) for name, t in network.state_dict().items() if t.ndim}
    return save({**state, "fc.weight": torch.rand(10, 512, generator=generator)})


@pytest.fixture(scope="module")
def published() -> bytes:
    """Stem, layer1 and a classifier of ResNet-18, as a file."""
    return bytes_of(ResNet("resnet18", (1,)))


@pytest.fixture
def stocked(hub: Any, published: bytes) -> Any:
    hub.files[RESNET18] = published
    return hub


def kept(home: Path) -> list[str]:
    return sorted(path.name for path in home.rglob("*") if path.is_file() or path.name.startswith("."))


def test_what_is_offered_is_said_before_anything_is_fetched(stocked, home):
    offer = find_offer("resnet18")
    told = stocked.info(RESNET18)["siblings"][1]["lfs"]
    assert (offer.file.size, offer.file.sha256) == (told["size"], told["sha256"])
    assert offer.file.page == f"{stocked.address}/{RESNET18}"
    assert offer.licence == "bsd-3-clause"
    assert "non-commercial" in offer.terms
    assert stocked.asked == [f"GET /api/models/{RESNET18}?blobs=true"]
    assert not home.exists()


def test_what_was_fetched_is_found_by_the_trunks_name(stocked, home, published, tmp_path):
    steps: list[tuple[int, int]] = []
    told = fetch_weights(find_offer("resnet18"), progress=lambda *step: steps.append(step))
    assert find_weights("resnet18") == told.path
    assert list_weights()[0] == told
    assert (told.licence, "ImageNet-1k" in told.terms) == ("bsd-3-clause", True)
    assert kept(home) == ["resnet18.safetensors"]
    assert steps[-1] == (len(published), len(published))
    (tmp_path / "same.safetensors").write_bytes(published)
    by_hand = load_trunk("resnet18", weights=tmp_path / "same.safetensors", levels=(1,))
    state = load_trunk("resnet18", levels=(1,)).body.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in by_hand.body.state_dict().items())
    assert "fc.weight" not in load_file(str(told.path))


def test_each_of_our_trunks_has_its_repository(hub):
    for name in (*RESNETS, *VGGS):
        with pytest.raises(UsageError, match=rf"no public model timm/{name}\.tv_in1k"):
            find_offer(name)
    with pytest.raises(UsageError, match="restora-tiny are in the package"):
        find_offer(TINY)


def test_vgg_is_fetched_too(hub):
    hub.files["timm/vgg16.tv_in1k"] = bytes_of(VGG("vgg16", (1,)))
    fetch_weights(find_offer("vgg16"))
    assert load_trunk("vgg16", levels=(1,)).weights.path == find_weights("vgg16")


def test_weights_that_are_there_are_not_fetched_again_unless_asked(stocked, published, home):
    first = fetch_weights(find_offer("resnet18"))
    asked = len(stocked.asked)
    with pytest.raises(UsageError, match=r"already.*--overwrite"):
        find_offer("resnet18")
    assert len(stocked.asked) == asked
    stocked.files[RESNET18] = bytes_of(ResNet("resnet18", (1,)), seed=6)
    second = fetch_weights(find_offer("resnet18", overwrite=True), overwrite=True)
    assert second.path == first.path
    assert second.sha256 != first.sha256
    assert kept(home) == ["resnet18.safetensors"]


def test_terms_are_those_of_the_card(stocked):
    stocked.card = {"license": "other", "license_name": "some-terms", "datasets": ["laion-2b", "imagenet-12k"]}
    offer = find_offer("resnet18")
    assert offer.licence == "some-terms"
    assert "laion-2b, imagenet-12k" in offer.terms
    stocked.card = {}
    assert (find_offer("resnet18").licence, find_offer("resnet18").terms) == (UNSTATED, UNSTATED)
    stocked.card = {"license": "mit\x1b[2J\n", "datasets": "imagenet-1k"}
    assert find_offer("resnet18").licence == "mit[2J"
    assert "non-commercial" in find_offer("resnet18").terms


def refused(kind: type[RestoraError], words: str) -> None:
    """Fetching must fail with one sentence, and leave nothing behind but what was there."""
    with pytest.raises(kind, match=words) as caught:
        fetch_weights(find_offer("resnet18", overwrite=True), overwrite=True)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


@pytest.fixture(params=[False, True], ids=["no-weights-yet", "weights-there"])
def before(request, home, published):
    """What lies in the folder of weights before; it must lie there afterwards, and nothing else."""
    if request.param:
        (home / "restora/weights").mkdir(parents=True)
        (home / "restora/weights/resnet18.safetensors").write_bytes(published)
    old = {path: path.read_bytes() for path in home.rglob("*.safetensors")}
    yield
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == old
    assert not [path for path in home.rglob(".*")]


@pytest.mark.usefixtures("before")
def test_bytes_that_are_not_those_promised_are_not_kept(stocked, published):
    stocked.sent = published[:-1] + bytes([published[-1] ^ 1])
    refused(StoppedError, "not the file promised.*nothing was kept")
    stocked.sent = published + b"x"
    refused(StoppedError, "not the file promised")


@pytest.mark.usefixtures("before")
def test_a_connection_that_breaks_leaves_nothing(stocked):
    stocked.cut = 1000
    refused(MissingError, r"ended after 1000 of \d+ bytes")


@pytest.mark.usefixtures("before")
def test_an_interrupt_leaves_nothing(stocked):
    def interrupt(done: int, whole: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_weights(find_offer("resnet18", overwrite=True), overwrite=True, progress=interrupt)


@pytest.mark.usefixtures("before")
def test_a_disk_that_fills_up_leaves_nothing(stocked, monkeypatch):
    class Full:
        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None: ...

        def write(self, chunk: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    plain = Path.open
    monkeypatch.setattr(Path, "open", lambda path, mode="r": Full() if mode == "wb" else plain(path, mode))
    refused(MissingError, "the disk is full; nothing half-written")


@pytest.mark.usefixtures("before")
def test_a_disk_too_small_is_said_before_the_download(stocked, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(9, 9, 1_000_000))
    refused(MissingError, "1 MB free.*XDG_DATA_HOME")
    assert len(stocked.asked) == 1


@pytest.mark.usefixtures("before")
def test_a_file_for_another_trunk_is_not_kept(stocked, published):
    stocked.files[RESNET18] = bytes_of(VGG("vgg16", (-1,)))
    refused(SettingsError, "do not fit trunk resnet18")


@pytest.mark.usefixtures("before")
def test_a_hub_that_is_not_there(stocked, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    refused(MissingError, "cannot be reached .*refused.*HF_ENDPOINT.*restora weights import")


def test_a_hub_that_goes_away_after_the_offer(stocked, monkeypatch, home):
    offer = find_offer("resnet18")
    stocked.status = 503
    with pytest.raises(MissingError, match=r"answers 503.*try again later"):
        fetch_weights(offer)
    assert kept(home) == []


@pytest.mark.parametrize(
    "answer", [b"<html>Please sign in</html>", b"[]", b"{}", b'{"siblings": [1]}', b"\xff", b"null"]
)
def test_an_answer_that_is_not_a_hubs(stocked, answer):
    stocked.answer = answer
    refused(MissingError, "not what a hub says")


@pytest.mark.parametrize("change", [{"sha": "../../etc"}, {"siblings": [{"rfilename": "model.safetensors"}]}])
def test_an_answer_that_lacks_what_must_be_known_first(stocked, change):
    stocked.answer = json.dumps(stocked.info(RESNET18) | change).encode()
    refused(MissingError, "not what a hub says")


def test_a_repository_without_the_file(stocked):
    stocked.answer = json.dumps(stocked.info(RESNET18) | {"siblings": [{"rfilename": "pytorch_model.bin"}]}).encode()
    refused(UsageError, r"has no file model\.safetensors")


@pytest.mark.parametrize("endpoint", ["file:///etc", "hub", "http://", "http://[", "http://a b", "http://a:x"])
def test_an_endpoint_that_is_no_hubs(endpoint, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    refused(SettingsError, "HF_ENDPOINT")


def test_a_hub_that_must_not_be_asked_is_not(stocked, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused(MissingError, "HF_HUB_OFFLINE forbids")
    assert stocked.asked == []


def test_an_unknown_name_is_refused_before_anything_is_asked(stocked):
    with pytest.raises(UsageError, match="nearest are resnet18"):
        find_offer("resnet81")
    assert stocked.asked == []


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> None:
    def card(name: str) -> Any:
        known = {"net": "timm/net.first", "net.first": "timm/net.first", "net.other": "somebody/net"}
        if name not in known:
            raise RuntimeError(f"Invalid pretrained tag for {name}.")
        return SimpleNamespace(hf_hub_id=known[name])

    monkeypatch.setitem(
        sys.modules, "timm", SimpleNamespace(list_models=lambda: ["net", "knot"], get_pretrained_cfg=card)
    )


@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize("name", ["timm/net", "timm/net.first"])
def test_a_model_of_timm_lies_where_timm_says(hub, name):
    hub.files["timm/net.first"] = b"weights"
    offer = find_offer(name)
    assert (offer.trunk, offer.file.repository) == (name, "timm/net.first")
    assert offer.target.name == f"{name.removeprefix('timm/')}.safetensors"


@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize(
    ("name", "words"),
    [("timm/nett", "nearest are timm/net"), ("timm/net.third", "no weights for"), ("timm/net.other", "no weights for")],
)
def test_a_model_that_timms_hub_does_not_have(hub, name, words):
    with pytest.raises(UsageError, match=words):
        find_offer(name)
    assert hub.asked == []


def test_without_timm_the_extra_is_named(hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingError, match=r"restora\[timm\]"):
        find_offer("timm/net")


def test_the_command_shows_everything_and_fetches_on_yes(stocked, capsys, home):
    assert run(["weights", "fetch", "resnet18", "--yes", "--json"]) == 0
    out, said = capsys.readouterr()
    told = stocked.info(RESNET18)["siblings"][1]["lfs"]
    for words in (f"{stocked.address}/{RESNET18}", " kB", "bsd-3-clause", "non-commercial", told["sha256"]):
        assert words in said
    assert json.loads(out)["file"] == str(home / "restora/weights/resnet18.safetensors")


def test_where_nobody_can_be_asked_nothing_is_fetched(stocked, capsys, home, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    assert run(["weights", "fetch", "resnet18"]) == 2
    out, said = capsys.readouterr()
    assert out == ""
    assert "--yes" in said.splitlines()[-1]
    assert len(stocked.asked) == 1
    assert not home.exists()


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 130), ("", 130)])
def test_on_a_terminal_the_user_is_asked(stocked, capsys, home, monkeypatch, answer, status):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("typer.confirm", lambda words, err: answer == "y")
    assert run(["weights", "fetch", "resnet18"]) == status
    said = capsys.readouterr().err
    assert "sha256" in said
    assert ("Nothing was fetched." in said) == (status != 0)
    assert (find_weights_or_none() is not None) == (status == 0)


def find_weights_or_none() -> Path | None:
    try:
        return find_weights("resnet18")
    except MissingError:
        return None


def test_the_hubs_own_client_is_content_with_the_stand_in(stocked, published, tmp_path):
    client = pytest.importorskip("huggingface_hub")
    info = client.HfApi(endpoint=stocked.address).model_info(RESNET18, files_metadata=True)
    offer = find_offer("resnet18")
    (found,) = [file for file in info.siblings if file.rfilename == "model.safetensors"]
    assert (info.sha, found.lfs.sha256, found.lfs.size) == (offer.file.commit, offer.file.sha256, offer.file.size)
    assert (info.card_data.license, info.card_data.datasets) == ("bsd-3-clause", ["imagenet-1k"])
    path = client.hf_hub_download(RESNET18, "model.safetensors", endpoint=stocked.address, cache_dir=tmp_path / "cache")
    assert Path(path).read_bytes() == published
