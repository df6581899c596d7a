"""Hyperparameters and data of the estimators, as the property-based tests draw them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sklearn_reasoning.algorithms import HeavyBall, RecurrentCell, get_algorithm, list_algorithms

from ._strategies import seeds

_algorithms = st.one_of(
    st.sampled_from(list_algorithms()),
    st.just(HeavyBall()),
    st.builds(RecurrentCell, width=st.integers(2, 3), n_layers=st.integers(1, 2)),
)
_hidden = st.one_of(
    st.integers(0, 9), st.lists(st.integers(1, 9), max_size=2).map(tuple), st.just([5])
)


@st.composite
def _step_sizes(draw, algo, mu, L):
    """Draw where the step size may go, and where it begins inside."""
    algorithm = get_algorithm(algo)
    stable = algorithm.stable_region(mu, L)
    low, high = stable if algorithm.has_step_size else (0.1, 1.0)
    share = st.floats(0, 1)
    options = {}
    if draw(st.booleans()):
        a, b = sorted(low + draw(share) * (high - low) for _ in range(2))
        options["step_size_range"] = draw(st.sampled_from([(a, b), [a, b]]))
        low, high = a, b
    if draw(st.booleans()):
        options["step_size"] = min(max(low + draw(share) * (high - low), low), high)
    return options


@st.composite
def regressor_parameters(draw, d):
    """Draw parameters of a regressor for d outputs; what is not drawn keeps its default."""
    algo = draw(_algorithms)
    mu = 10.0 ** draw(st.floats(-2, 1))
    L = mu * 10.0 ** draw(st.one_of(st.just(0.0), st.floats(0.0, 2.0)))
    spectra = ["auto", "free"] + ["anchored"] * (d >= 3)
    free = {
        "k": st.sampled_from([0, 1, 2, 5, 30]),
        "q_hidden": st.one_of(_hidden, st.none()),
        "learn_step_size": st.booleans(),
        "step_size_per_iteration": st.booleans(),
        "spectrum": st.sampled_from(spectra),
        "rotation": st.sampled_from(["identity", "shared", "predicted", "given"]),
        "linear_term": st.sampled_from(["learned", "given", "corrected"]),
        "b_hidden": _hidden,
        "start": st.sampled_from(["auto", "zero", "mean", "learned", "predicted"]),
        "initial_weights": st.sampled_from(["small", "glorot"]),
        "loss": st.sampled_from(["l2", "squared"]),
        "optimizer": st.sampled_from(["adam", "sgd"]),
        "lr": st.floats(1e-5, 1e-2),
        "weight_decay": st.sampled_from(["auto", 0, 0.0, 1e-4, 0.1]),
        "batch_size": st.one_of(st.just("auto"), st.integers(1, 40)),
        "lr_schedule": st.sampled_from(["cosine", "constant"]),
        "early_stopping": st.booleans(),
        "validation_fraction": st.floats(0.05, 0.5),
        "tol": st.sampled_from([0, 1e-4, 0.5]),
        "n_iter_no_change": st.integers(1, 3),
        "keep": st.sampled_from(["best", "last"]),
        "max_epochs": st.integers(1, 4),
        "random_state": st.integers(0, 2**31),
    }
    # About half of them at a time, or defaults would never meet anything.
    chosen = [name for name in free if name == "random_state" or draw(st.booleans())]
    drawn = {name: draw(free[name]) for name in chosen}
    sizes = draw(_step_sizes(algo, mu, L))
    return {"algo": algo, "mu": mu, "L": L, "max_epochs": 3, **sizes, **drawn}


@dataclass(frozen=True)
class RegressionCase:
    """Parameters of a regressor, and data for it."""

    parameters: dict[str, Any]
    X: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    weight: np.ndarray | None = field(repr=False)
    shape: tuple[int, ...]
    dtypes: tuple[str, str]


@st.composite
def regression_cases(draw, smallest_n=3):
    """Draw a :class:`RegressionCase`."""
    n, d = draw(st.integers(smallest_n, 30)), draw(st.integers(1, 4))
    parameters = draw(regressor_parameters(d))
    rng = np.random.default_rng(draw(seeds))
    learned = ("learned", "identity", "shared", "predicted")
    given = [parameters.get(name, "learned") not in learned for name in ("linear_term", "rotation")]
    n_features = draw(st.integers(0 if any(given) else 1, 4))
    parts = [rng.normal(size=(n, n_features))]
    if given[0]:
        parts.append(rng.normal(size=(n, d)))
    if given[1]:
        parts.append(np.linalg.qr(rng.normal(size=(n, d, d)))[0].reshape(n, d * d))
    X = np.concatenate(parts, axis=1)
    y = rng.normal(size=(n, d)) * 10.0 ** draw(st.floats(-3, 3))
    y = y + np.abs(y).max() * draw(st.sampled_from([0.0, 10.0]))
    if d == 1 and draw(st.booleans()):
        y = y[:, 0]
    dtypes = (
        draw(st.sampled_from(["float64", "float32"])),
        draw(st.sampled_from(["float64", "float32"])),
    )
    weight = draw(st.sampled_from([None, "drawn", "zeros"]))
    if weight is not None:
        weight = rng.random(n) + 0.1 if weight == "drawn" else (np.arange(n) % 3).astype(float)
    return RegressionCase(
        parameters, X.astype(dtypes[0]), y.astype(dtypes[1]), weight, (*X.shape, d), dtypes
    )
