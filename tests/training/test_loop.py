from __future__ import annotations

import math
import os
import signal
import threading
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from restora.methods.settings import FitSettings
from restora.training.loop import batch_indices, learning_rate, not_a_number, optimiser_for, stop_signals


@pytest.mark.parametrize(("size", "count"), [(4, 12), (4, 10), (12, 7), (5, 1), (1, 3)])
def test_every_picture_comes_once_a_pass(size, count):
    steps = 3 * count  # a whole number of passes: 3 x size
    drawn = [index for step in range(steps) for index in batch_indices(step, size, count, seed=0)]
    assert len(drawn) == steps * size
    for start in range(0, len(drawn), count):
        assert sorted(drawn[start : start + count]) == list(range(count))


def test_passes_have_orders_of_their_own_and_a_step_can_be_asked_for_alone():
    passes = [tuple(batch_indices(number, 20, 20, seed=0)) for number in range(5)]
    assert len(set(passes)) == 5
    assert batch_indices(3, 20, 20, seed=0) == list(passes[3])
    assert batch_indices(3, 20, 20, seed=1) != list(passes[3])


def test_the_learning_rate_warms_up_and_falls_to_zero():
    fit = FitSettings(learning_rate=0.1, warm_up_steps=10, schedule="cosine")
    assert learning_rate(0, 100, fit) == pytest.approx(0.01)
    assert learning_rate(4, 100, fit) == pytest.approx(0.05 * 0.5 * (1 + math.cos(0.04 * math.pi)))
    assert learning_rate(50, 100, fit) == pytest.approx(0.05)
    assert learning_rate(99, 100, fit) < 1e-4
    rates = [learning_rate(step, 100, fit) for step in range(10, 100)]
    assert rates == sorted(rates, reverse=True)


def test_the_learning_rate_may_stay():
    fit = FitSettings(learning_rate=0.1, warm_up_steps=0, schedule="constant")
    assert {learning_rate(step, 50, fit) for step in range(50)} == {0.1}


def test_weights_decay_and_nothing_else_does():
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(3, 4))
    module.tokens = nn.Parameter(torch.zeros(5, 6))
    module.register_buffer("kept", torch.zeros(2))
    decayed, free = optimiser_for(module, FitSettings(weight_decay=0.3)).param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.3, 0.0)
    assert {parameter.shape for parameter in decayed["params"]} == {(3, 2, 3, 3), (4, 3)}
    assert Counter(parameter.ndim for parameter in free["params"]) == {1: 4, 2: 1}


def test_all_parameters_of_the_restorer_are_trained(settings):
    from restora.features.levels import Level
    from restora.methods.ura_net.network import UraNet

    net = UraNet(settings().ura_net, (Level("a", 4, 8), Level("b", 6, 16)), (64, 64))
    groups = optimiser_for(net, FitSettings()).param_groups
    held = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in net.parameters())
    free = {id(parameter) for parameter in groups[1]["params"]}
    for layer in net.perception.bayesian:  # their prior takes the place of decay
        assert {id(layer.mu), id(layer.rho)} <= free


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_set_the_event_and_are_given_back(number):
    before = signal.getsignal(number)
    with stop_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5)
    assert signal.getsignal(number) is before


def test_outside_the_main_thread_no_signal_is_caught():
    seen = []

    def work():
        with stop_signals() as stop:
            seen.append(stop.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


def test_what_went_astray_is_named_with_what_is_left(tmp_path):
    sentence = str(not_a_number("loss", 41, tmp_path))
    assert "not a number at step 42" in sentence
    assert "no state had been saved" in sentence
    (tmp_path / "state.json").write_text('{"step": 40, "steps": 100, "run": "x", "weights": "y"}')
    assert f"of step 40, lies in {tmp_path}" in str(not_a_number("loss", 41, tmp_path))


def test_orders_are_uniform_enough():
    """First places of 600 passes over 6 pictures: each picture about 100 times."""
    firsts = Counter(batch_indices(number, 6, 6, seed=3)[0] for number in range(600))
    assert np.abs(np.array([firsts[n] for n in range(6)]) - 100).max() < 40
