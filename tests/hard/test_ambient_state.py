"""A fit gives the same bits whatever the program around it has set for itself."""

import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from _ambient import USUAL, set_and_reset
from hard._work import fit_denoiser, fit_regressor, search


@contextmanager
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


ON = True
RARE = {
    "deterministic algorithms": lambda: set_and_reset(
        torch.use_deterministic_algorithms, ON, torch.are_deterministic_algorithms_enabled()
    ),
    "three threads": lambda: set_and_reset(torch.set_num_threads, 3, torch.get_num_threads()),
    "anomaly detection": lambda: torch.autograd.set_detect_anomaly(True),
    "saved tensors copied": lambda: torch.autograd.graph.saved_tensors_hooks(
        torch.clone, torch.clone
    ),
    "another seed": lambda: torch.random.fork_rng(devices=[]),
    "warnings are errors": warnings_are_errors,
}


# Deterministic algorithms make torch import its compiler.
MANY = [pytest.param(name, marks=pytest.mark.hard) for name in RARE]


@pytest.mark.parametrize("ambient", [*USUAL, *MANY])
@pytest.mark.parametrize("work", [fit_regressor, fit_denoiser, search])
def test_the_bits_do_not_depend_on_the_ambient(work, ambient):
    expected = work()
    with (USUAL | RARE)[ambient]():
        found = work()
    np.testing.assert_array_equal(found, expected)
