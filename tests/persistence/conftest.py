"""Fitted models, and model files that can be changed."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from sklearn_reasoning import HybridReasoningDenoiser, HybridReasoningRegressor


@pytest.fixture(scope="session")
def documented():
    """The module that reads and writes files by the documentation alone."""
    path = Path(__file__).with_name("_documented_format.py")
    spec = importlib.util.spec_from_file_location("documented_format", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="session")
def fitted():
    """Return the function fitted(X, y, **parameters) -> a regressor trained for four epochs."""

    def fit(X, y, **parameters):
        return HybridReasoningRegressor(max_epochs=4, random_state=0, **parameters).fit(X, y)

    return fit


@pytest.fixture(scope="session")
def rows():
    """X of shape (30, 5) and y of shape (30, 3)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 5)), rng.normal(size=(30, 3))


@pytest.fixture(scope="session")
def denoiser():
    rng = np.random.default_rng(0)
    clean = np.kron(rng.random((2, 2, 2)), np.ones((8, 8)))
    noisy = clean + 0.1 * rng.standard_normal(clean.shape)
    return HybridReasoningDenoiser(
        f_channels=2,
        f_layers=1,
        g_channels=2,
        g_layers=1,
        patch_size=16,
        batch_size=4,
        max_steps=10,
        random_state=0,
    ).fit(noisy, clean)
