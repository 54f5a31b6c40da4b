from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from restora.bundle import (
    CalibrationFacts,
    FileEntry,
    FittingFacts,
    InputSpec,
    Manifest,
    TrunkCard,
    hash_settings,
    hashed_name,
    read_model,
    write_model,
)
from restora.errors import MissingError, ModelError, UsageError

FILES = {"graph": b"the graph", "restorer": b"many numbers" * 100}


def manifest(**changes) -> Manifest:
    return Manifest(
        package_version="0.1.0",
        method="ura-net",
        preset="small",
        settings={"steps": 3},
        settings_hash=hash_settings({"steps": 3}),
        trunk=TrunkCard(name="resnet18", sha256="0" * 64, licence="BSD-3-Clause", terms="trained on photographs"),
        input=InputSpec(height=32, width=64, resize="any"),
        outputs=("score", "doubt", "map"),
        fitting=FittingFacts(count=3, fingerprint="f"),
    ).model_copy(update=changes)


def calibrated(*scores: float) -> Manifest:
    return manifest(calibration=CalibrationFacts(scores=scores, doubts=scores, fingerprint="c"))


@pytest.fixture
def folder(tmp_path) -> Path:
    write_model(tmp_path / "part.restora", calibrated(1.0, 2.0), FILES)
    return tmp_path / "part.restora"


def test_what_was_written_is_read_back(folder):
    model = read_model(folder)
    assert model.manifest.calibration.scores == (1.0, 2.0)
    assert model.path("graph").read_bytes() == FILES["graph"]
    assert model.path("graph").name == hashed_name("graph", b"the graph")
    with pytest.raises(ModelError, match="no file for 'openvino'"):
        model.path("openvino")


def test_a_name_is_role_and_hash(tmp_path):
    # sha256("abc") begins with ba7816bf8f01
    assert hashed_name("graph", b"abc") == "graph-ba7816bf8f01.onnx"
    (tmp_path / "any.TXT").write_bytes(b"abc")
    assert hashed_name("notes", tmp_path / "any.TXT") == "notes-ba7816bf8f01.txt"


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "source").write_bytes(FILES["graph"])
        write_model(tmp_path / name, calibrated(0.1, 1 / 3), FILES | {"graph": tmp_path / "source"})
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("a", "b"))
    assert first == second


def test_a_new_manifest_keeps_the_files(folder):
    before = read_model(folder)
    changed = before.manifest.model_copy(update={"calibration": calibrated(5.0).calibration})
    after = write_model(folder, changed)
    assert after == read_model(folder)
    assert after.manifest.files == before.manifest.files
    assert after.manifest.calibration.scores == (5.0,)
    assert after.fingerprint != before.fingerprint


def test_what_no_manifest_names_goes_at_the_next_write(folder):
    old = read_model(folder).path("graph")
    new = write_model(folder, manifest(), FILES | {"graph": b"another graph"})
    assert old.exists()  # for whoever has just read the old manifest
    (folder / "notes of mine.txt").write_text("kept")
    (folder / ".unfinished-graph-0123456789ab.onnx").write_text("left by a killed write")
    write_model(folder, new.manifest)
    assert not old.exists()
    kept = {entry.name for entry in new.manifest.files.values()} | {"manifest.json", "notes of mine.txt"}
    assert {path.name for path in folder.iterdir()} == kept


@pytest.mark.parametrize("name", ["graph", "restorer", "manifest"])
def test_any_changed_byte_is_refused(folder, name):
    path = folder / "manifest.json" if name == "manifest" else read_model(folder).path(name)
    whole = path.read_bytes()
    places = range(len(whole)) if name == "manifest" else (0, len(whole) // 2, len(whole) - 1)
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ModelError) as caught:
            read_model(folder)
        assert str(folder) in str(caught.value)
        assert "\n" not in str(caught.value)
    path.write_bytes(whole[:-1])
    with pytest.raises(ModelError):
        read_model(folder)
    path.write_bytes(whole)
    read_model(folder)


def test_a_missing_file_is_named(folder):
    path = read_model(folder).path("restorer")
    path.unlink()
    with pytest.raises(ModelError, match=f"{path.name} is missing"):
        read_model(folder)
    with pytest.raises(ModelError, match="is missing"):
        write_model(folder, manifest(files={"graph": FileEntry(name="graph-0.onnx", sha256="0", size=1)}))


def rewrite(folder: Path, **changes) -> None:
    """A manifest as another version would have written it, seal and all."""
    from restora.bundle.folder import _render

    document = json.loads((folder / "manifest.json").read_text())
    del document["seal"]
    (folder / "manifest.json").write_bytes(_render(document | changes)[0])


def test_a_newer_major_format_is_refused_and_a_newer_minor_is_read(folder):
    rewrite(folder, format_version="1.7", colour="blue", trunk=manifest().trunk.model_dump() | {"year": 2031})
    assert read_model(folder).manifest.trunk == manifest().trunk
    rewrite(folder, format_version="2.0")
    with pytest.raises(ModelError, match=r"format 2\.0, newer than the 1\.1.*update Restora"):
        read_model(folder)


def test_a_model_of_format_1_0_is_still_read(folder):
    """It has no strangest pictures: a tuple of names that was never filled stood in their place."""
    rewrite(folder, format_version="1.0", fitting={"count": 3, "fingerprint": "f", "strangest": [], "digests": []})
    assert read_model(folder).manifest.fitting == manifest().fitting


def test_an_unknown_key_of_our_own_format_is_refused(folder):
    rewrite(folder, colour="blue")
    with pytest.raises(ModelError, match="colour"):
        read_model(folder)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", ".hidden", "a/b"])
def test_a_manifest_names_files_of_its_own_folder_only(name):
    with pytest.raises(ValidationError):
        FileEntry(name=name, sha256="0", size=1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["manifest", "graph"])
def test_a_pipe_in_place_of_a_file_is_refused_at_once(folder, name):
    path = folder / "manifest.json" if name == "manifest" else read_model(folder).path(name)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ModelError):
        read_model(folder)


def test_a_manifest_nested_without_end_is_refused(folder):
    (folder / "manifest.json").write_text('{"settings":' + "[" * 100_000)
    with pytest.raises(ModelError, match="changed or damaged"):
        read_model(folder)


def test_nothing_is_written_through_a_link(folder, tmp_path):
    (folder / ".unfinished-manifest.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="cannot be written"):
        write_model(folder, manifest(), FILES)
    assert not (tmp_path / "elsewhere").exists()
    assert read_model(folder).manifest.calibration is not None


@pytest.mark.parametrize("side", [0, 10**9])
def test_an_input_of_no_sensible_size_is_refused(folder, side):
    rewrite(folder, input=manifest().input.model_dump() | {"height": side})
    with pytest.raises(ModelError, match=r"input\.height"):
        read_model(folder)


def test_what_is_no_model_is_told_apart(tmp_path, folder):
    with pytest.raises(ModelError, match="no such model folder"):
        read_model(tmp_path / "missing.restora")
    with pytest.raises(ModelError, match=r"no manifest\.json"):
        read_model(tmp_path)
    with pytest.raises(ModelError, match="is not a model folder"):
        read_model(".")
    with pytest.raises(ModelError, match="is a file"):
        read_model(folder / "manifest.json")
    (tmp_path / "half.restora.partial").mkdir()
    with pytest.raises(ModelError, match="--resume"):
        read_model(tmp_path / "half.restora")


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds other files \(letters\.txt\)"):
        write_model(tmp_path, manifest(), FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_damaged_model_can_be_written_anew(folder):
    (folder / "manifest.json").write_text("{")
    write_model(folder, manifest(), FILES)
    assert read_model(folder).manifest.calibration is None


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize("count", [1, 2, 3])  # two files and the manifest
def test_a_full_disk_leaves_the_old_model(folder, monkeypatch, step, count):
    before = read_model(folder)
    calls = 0

    def full(real):
        def call(*arguments):
            nonlocal calls
            calls += 1
            if calls == count:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments)

        return call

    if step == "fsync":
        monkeypatch.setattr("restora.bundle.folder._flush_folder", lambda folder: None)
    if step == "write":
        monkeypatch.setattr("restora.bundle.folder._write_all", full(sys.modules["restora.bundle.folder"]._write_all))
    else:
        monkeypatch.setattr(os, step, full(getattr(os, step)))
    with pytest.raises(MissingError, match="disk is full"):
        write_model(folder, manifest(), {"graph": b"new", "restorer": b"newer"})
    monkeypatch.undo()
    assert read_model(folder) == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".unfinished")]


def test_a_disk_full_at_the_first_write_leaves_nothing(tmp_path, monkeypatch):
    real, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == 3:  # both files are in place, the manifest is not
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(MissingError, match="disk is full"):
        write_model(tmp_path / "part.restora", manifest(), FILES)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_model(tmp_path / "file" / "part.restora", manifest(), FILES)


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_bundle import FILES, calibrated, manifest
from restora.bundle import read_model, write_model
from restora.errors import ModelError

# every step on the file system raises an audit event before it happens, except fsync, which is counted by hand
STEPS = ("open", "os.mkdir", "os.rename", "os.remove", "os.listdir", "os.scandir", "fcntl.flock")
armed, seen, last = False, 0, 0

def step():
    global seen
    seen += 1
    if seen == last:
        os._exit(9)

def audit(event, arguments):
    if armed and event in STEPS and (event == "fcntl.flock" or str(arguments[0]).startswith(folder)):
        step()

fsync = os.fsync
def counted(handle):
    if armed:
        step()
    fsync(handle)
os.fsync = counted
sys.addaudithook(audit)
folder, kind = sys.argv[1], sys.argv[2]

def write(what):
    if what == "new":
        return write_model(Path(folder), calibrated(7.0), {{"graph": b"new graph", "restorer": FILES["restorer"]}})
    old = write_model(Path(folder), manifest(), FILES)
    return write_model(Path(folder), old.manifest)

outcomes = []
for last in range(1, 500):
    if kind == "first":
        os.system(f"rm -rf {{folder}}")
    else:
        write("old")
    child = os.fork()
    if child == 0:
        armed = True
        write("new")
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        calibration = read_model(folder).manifest.calibration
        outcomes.append("old" if calibration is None else "new")
    except ModelError as error:
        outcomes.append(str(error))
    if status == 0:
        break
write("new")  # and a write after a killed one goes through
assert read_model(folder).manifest.calibration.scores == (7.0,)
print("\\n".join(outcomes))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", ["first", "over"])
def test_killed_at_any_step_leaves_the_old_or_the_new(tmp_path, kind):
    folder = tmp_path / "part.restora"
    script = KILLED.format(tests=str(Path(__file__).parent))
    run = subprocess.run(
        [sys.executable, "-c", script, str(folder), kind], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    outcomes = run.stdout.splitlines()
    assert len(outcomes) > 12  # that many steps there are to be killed at
    nothing = {"over": "old"}.get(kind)
    switch = outcomes.index("new")
    assert set(outcomes[switch:]) == {"new"}
    assert switch < len(outcomes) - 1  # the steps after the swap are tried as well
    for outcome in outcomes[:switch]:
        assert outcome == nothing or (nothing is None and ("no such model folder" in outcome or "no man" in outcome))


def test_a_reader_beside_a_writer_sees_whole_models_only(folder):
    problems, done = [], threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                model = read_model(folder)
                if model.manifest.calibration is not None:
                    assert model.path("graph").name == hashed_name("graph", FILES["graph"])
            except Exception as error:
                problems.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(20):
        files = FILES | {"graph": b"turn %d" % turn} if turn % 2 else FILES
        write_model(folder, manifest() if turn % 2 else calibrated(float(turn)), files)
    done.set()
    reader.join()
    assert problems == []


def test_settings_hash_by_content_not_order():
    assert hash_settings({"a": 1, "b": [2, 3]}) == hash_settings({"b": [2, 3], "a": 1})
    assert hash_settings({"a": 1}) != hash_settings({"a": 2})
