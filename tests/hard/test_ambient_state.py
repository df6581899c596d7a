"""A fit gives the same bits whatever the program around it has set for itself."""

import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hard._work import fit_denoiser, fit_regressor, search


@contextmanager
def set_and_reset(setter, value, before):
    setter(value)
    try:
        yield
    finally:
        setter(before)


@contextmanager
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


ON = True
AMBIENT = {
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "float64 by default": lambda: set_and_reset(
        torch.set_default_dtype, torch.float64, torch.get_default_dtype()
    ),
    "deterministic algorithms": lambda: set_and_reset(
        torch.use_deterministic_algorithms, ON, torch.are_deterministic_algorithms_enabled()
    ),
    "three threads": lambda: set_and_reset(torch.set_num_threads, 3, torch.get_num_threads()),
    "floating point errors raise": lambda: np.errstate(all="raise", under="ignore"),
    "anomaly detection": lambda: torch.autograd.set_detect_anomaly(True),
    "saved tensors copied": lambda: torch.autograd.graph.saved_tensors_hooks(
        torch.clone, torch.clone
    ),
    "another seed": lambda: torch.random.fork_rng(devices=[]),
    "warnings are errors": warnings_are_errors,
}


# Deterministic algorithms make torch import its compiler; the first three were once wrong.
FEW = ["no gradients", "inference mode", "float64 by default", "floating point errors raise"]
MANY = [pytest.param(name, marks=pytest.mark.hard) for name in AMBIENT if name not in FEW]


@pytest.mark.parametrize("ambient", [*FEW, *MANY])
@pytest.mark.parametrize("work", [fit_regressor, fit_denoiser, search])
def test_the_bits_do_not_depend_on_the_ambient(work, ambient):
    expected = work()
    with AMBIENT[ambient]():
        found = work()
    np.testing.assert_array_equal(found, expected)
