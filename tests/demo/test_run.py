from __future__ import annotations

import re
import subprocess
import sys

import pytest

from restora.demo.run import _sentences


def test_what_came_out_is_said_kind_by_kind():
    record = {
        "image": {"auroc": 0.98765},
        "kinds": {"crack": {"n": 6, "found": 5, "auroc": 0.9}, "dent": {"n": 6, "found": 6, "auroc": 1.0}},
        "verdicts": {"promised": 0.025, "observed": 0.05},
    }
    assert _sentences("part", record) == [
        "part: image AUROC 0.988; found of each kind: crack 5/6, dent 6/6.",
        "part: promised that at most 2.5 % of good pictures are called defect; 5 % of the good test pictures were.",
    ]
    nothing = {**record, "verdicts": {"promised": None, "observed": None}}
    assert len(_sentences("part", nothing)) == 1


def test_drawing_needs_no_torch():
    code = "import restora.demo, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_whole_way(tmp_path, monkeypatch):
    from restora.demo.run import run_demo

    monkeypatch.delenv("RESTORA_WEIGHTS", raising=False)
    said: list[str] = []
    results = run_demo(tmp_path, quick=True, report=said.append)
    assert set(results) == {"part", "board", "fabric", "cap"}
    for product, record in results.items():
        assert record["image"]["auroc"] > 0.5
        assert (tmp_path / f"{product}.restora" / "manifest.json").exists()
        assert (tmp_path / f"{product}.html").stat().st_size > 100_000
    assert "The trunk is restora-tiny." in said
    assert {link for link in re.findall(r'href="(.*?)"', (tmp_path / "index.html").read_text())} == {
        f"{product}.html" for product in results
    }
