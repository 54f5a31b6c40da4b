from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from restora.metrics.levels import rising_order

finite = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1.0, -1.0])


@given(arrays.arrays(np.float32, st.integers(0, 40), elements=finite))
def test_the_order_is_that_of_a_stable_argsort(scores):
    assert rising_order(scores).tolist() == np.argsort(scores, kind="stable").tolist()


@given(arrays.arrays(np.float64, st.integers(0, 40), elements=finite))
def test_and_so_it_is_in_float64(scores):
    assert rising_order(scores).tolist() == np.argsort(scores, kind="stable").tolist()
