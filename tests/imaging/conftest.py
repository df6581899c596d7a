"""Piecewise smooth images, and one small model trained on them."""

import numpy as np
import pytest

from sklearn_reasoning import HybridReasoningDenoiser, save_model


def piecewise_smooth(rng, height, width):
    """Return an image of ramps between straight edges."""
    row, column = np.mgrid[:height, :width]
    image = 0.3 + 0.3 * np.sin(row / 9.0) * np.cos(column / 11.0)
    for _ in range(4):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8)
        along = np.cos(angle) * (row / height - offset) + np.sin(angle) * (column / width - offset)
        image = np.where(along > 0, image + rng.uniform(-0.3, 0.3), image)
    return np.clip(image, 0.0, 1.0)


def _images(n, height, width, seed):
    """Return noisy and clean images of shape (n, height, width), float64."""
    rng = np.random.default_rng(seed)
    clean = np.stack([piecewise_smooth(rng, height, width) for _ in range(n)])
    return clean + 0.1 * rng.standard_normal(clean.shape), clean


def _small(**parameters):
    """Return a denoiser that trains in a tenth of a second."""
    defaults = {
        "f_channels": 4,
        "f_layers": 1,
        "g_channels": 4,
        "g_layers": 1,
        "patch_size": 16,
        "batch_size": 4,
        "max_steps": 10,
        "random_state": 0,
    }
    return HybridReasoningDenoiser(**defaults | parameters)


@pytest.fixture(scope="session")
def images():
    """Return the function images(n, height, width, seed) -> noisy, clean; the noise is 0.1."""
    return _images


@pytest.fixture(scope="session")
def small():
    """Return the function small(**parameters) -> a denoiser that trains in no time."""
    return _small


@pytest.fixture(scope="session")
def data():
    return _images(4, 32, 40, seed=0)


@pytest.fixture(scope="session")
def trained():
    """A model that has learned something, in about three seconds."""
    noisy, clean = _images(12, 48, 48, seed=1)
    model = HybridReasoningDenoiser(
        f_channels=8,
        f_layers=2,
        g_channels=16,
        g_layers=3,
        patch_size=24,
        batch_size=8,
        max_steps=250,
        lr=4e-3,
        random_state=0,
    )
    return model.fit(noisy, clean)


@pytest.fixture(scope="session")
def model(images, small):
    """A model for files, hardly trained."""
    noisy, clean = images(2, 24, 24, seed=3)
    return small(max_steps=30).fit(noisy, clean)


@pytest.fixture(scope="session")
def model_file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(model, path)
    return str(path)
