from __future__ import annotations

import re

import numpy as np

from restora.demo.overview import Exhibit, write_overview
from restora.verdicts.prediction import Prediction


def test_each_product_has_its_figures_its_picture_and_its_link(tmp_path):
    record = {
        "image": {"auroc": 0.98765},
        "pixel": None,
        "kinds": {"missing_hole": {"n": 6, "found": 5, "auroc": 0.9}, "dent": {"n": 4, "found": 4, "auroc": 1.0}},
        "verdicts": {"promised": 0.025, "observed": 0.05},
    }
    example = Prediction(
        name="dent/0001.png",
        verdict="defect",
        p_value=0.02,
        score=3.0,
        doubt=0.1,
        regions=(),
        error=None,
        map=np.zeros((32, 32), np.float32),
        pixels=np.zeros((32, 32, 3), np.uint8),
        colours=(0.0, 1.0),
    )
    silent = {**record, "image": {"auroc": 0.9}, "verdicts": {"promised": None, "observed": None}}
    path = write_overview(
        tmp_path / "out/index.html", [Exhibit("part", record, example), Exhibit("cap", silent, example)]
    )
    html = path.read_text()
    assert re.findall(r'href="(.*?)"', html) == ["part.html", "cap.html"]
    assert html.count("data:image/png") == 4  # picture and heat map of each
    assert "missing hole <b>5/6</b>" in html
    assert "9 of 10 defective pictures" in html
    assert "0.944" in html  # the mean of .98765 and .9
    assert html.count("was promised on average") == 1
    assert not re.search(r"(src|href)=.https?:", html)
