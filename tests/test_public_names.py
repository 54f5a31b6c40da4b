from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import restora
from restora.errors import MissingError


def test_the_names_are_where_they_are_said_to_be():
    from restora.detector.detector import Detector
    from restora.evaluation import Evaluation
    from restora.images.layouts.folders import Folders
    from restora.verdicts.prediction import Prediction, Region

    assert (restora.Detector, restora.Evaluation) == (Detector, Evaluation)
    assert (restora.Prediction, restora.Region) == (Prediction, Region)
    assert restora.Folders is Folders
    assert restora.metrics.__name__ == "restora.metrics"
    assert {"train", "Detector", "metrics"} <= set(dir(restora))
    with pytest.raises(AttributeError, match="colour"):
        _ = restora.colour


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert restora.__version__ == project["version"]


def test_importing_reads_nothing_heavy():
    script = (
        "import sys, restora; print(len(sys.modules)); assert not {'numpy', 'torch', 'pydantic'} & set(sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_training_without_torch_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(vars(restora), "train", raising=False)  # another test may have used it
    for name in [name for name in sys.modules if name.startswith(("restora.training", "restora.features"))]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingError, match=r"restora\[train\]"):
        _ = restora.train
