"""Work done a thousand times over leaves no memory, objects, files or threads behind."""

import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from hard._work import (
    denoiser,
    fit_denoiser,
    fit_regressor,
    images,
    regression,
    regressor,
    save_and_load,
    search,
)

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.energies import DiagonalQuadratic
from sklearn_reasoning.exceptions import DivergenceError

LINUX = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")

X, Y = regression()
NOISY, CLEAN = images()


@pytest.fixture(scope="module")
def fitted():
    return regressor().fit(X, Y), denoiser().fit(NOISY, CLEAN)


def refused(model):
    with pytest.raises(ValueError, match="k"):
        model.predict(X, k=-1)
    with pytest.raises(ValueError, match="NaN"):
        regressor().fit(np.full_like(X, np.nan), Y)


def diverging():
    with pytest.raises(DivergenceError):
        regressor("gd", lr=1e300, optimizer="sgd", max_epochs=20).fit(X, Y)


def in_threads():
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fit_regressor, ["nag", "gd"]))


def through_a_layer():
    """Forward and backward twice, with the derivatives of derivatives that keep graphs alive."""
    for name in ("gd", "nag", "heavy_ball", "chebyshev", "cg", "rnn"):
        layer = ReasoningLayer(name, k=9, d=3)
        diagonal = torch.full((5, 3), 0.5, requires_grad=True)
        y = layer(DiagonalQuadratic(diagonal, torch.ones(5, 3)))
        (slope,) = torch.autograd.grad(y.square().sum(), diagonal, create_graph=True)
        slope.sum().backward()


WORK = {
    "fits": lambda model, restorer: [fit_regressor(), fit_regressor("rnn", "float32")],
    "fits of a denoiser": lambda model, restorer: fit_denoiser(),
    "fits in threads": lambda model, restorer: in_threads(),
    "fits that are refused": lambda model, restorer: refused(model),
    "fits that diverge": lambda model, restorer: diverging(),
    "refits": lambda model, restorer: model.fit(X, Y).partial_fit(X, Y),
    "predictions": lambda model, restorer: [model.predict(X), restorer.predict(NOISY)],
    "certificates": lambda model, restorer: model.certify(X),
    "files": lambda model, restorer: [save_and_load(model, X), save_and_load(restorer, NOISY)],
    "layers": lambda model, restorer: through_a_layer(),
    "searches": lambda model, restorer: search(),
}


def holding():
    """Return how many objects, tensors, open files and threads there are, and the memory."""
    gc.collect()
    objects = gc.get_objects()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "objects": len(objects),
        "tensors": sum(issubclass(type(thing), torch.Tensor) for thing in objects),
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "bytes": pages * os.sysconf("SC_PAGE_SIZE"),
    }


# Few times show objects that stay; the allocator's own swings hide bytes.
FEW = [pytest.param(name, 5, 1e6, id=f"{name}-few") for name in ("fits", "fits that diverge")]
MANY = [pytest.param(name, 1000, 4e3, id=f"{name}-many", marks=pytest.mark.hard) for name in WORK]


@LINUX
@pytest.mark.parametrize(("what", "times", "bytes_each"), [*FEW, *MANY])
def test_nothing_is_left_behind(fitted, what, times, bytes_each):
    work = WORK[what]
    for _ in range(max(times // 10, 3)):
        work(*fitted)
    before = holding()
    for _ in range(times):
        work(*fitted)
    after = holding()
    grown = {name: after[name] - before[name] for name in before}
    # Caches of other packages may fill a little; what each piece of work leaves would be more.
    assert grown["objects"] < max(times / 2, 5), grown
    assert grown["tensors"] <= 0, grown
    assert grown["files"] <= 0, grown
    assert grown["threads"] <= 0, grown
    assert grown["bytes"] < times * bytes_each, grown
