"""What a user may write: checked by mypy --strict in test_types.py, and never run."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_reasoning import (
    HybridReasoningDenoiser,
    HybridReasoningRegressor,
    ReasoningLayer,
    load_model,
    save_model,
)
from sklearn_reasoning.algorithms import (
    Algorithm,
    GradientDescent,
    NesterovAcceleratedGradient,
    get_algorithm,
    list_algorithms,
)
from sklearn_reasoning.bounds import approximation_bound
from sklearn_reasoning.datasets import LocallyAdaptiveNoise, make_quadratic_reasoning
from sklearn_reasoning.energies import DenseQuadratic, DiagonalQuadratic, SpectralQuadratic
from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.model_selection import (
    BatchedGridSearchCV,
    BatchedRandomizedSearchCV,
    GeneralizationGapDisplay,
    decompose_gap,
    gap_table,
    generalization_gap,
    l2_loss_scorer,
    mean_l2_loss,
)
from sklearn_reasoning.pretrained import load_denoiser
from sklearn_reasoning.properties import certify, convergence, sensitivity, stability, stable_region
from sklearn_reasoning.testing import check_algorithm

Floats = NDArray[np.float64]


def choose(X: Floats, y: Floats, folder: Path) -> HybridReasoningRegressor:
    """Search, look at gaps, keep the best."""
    model = HybridReasoningRegressor(algo="nag", k=5, q_hidden=(8,), random_state=0)
    grid = {"algo": list_algorithms(), "k": [1, 5]}
    search = BatchedGridSearchCV(
        model, grid, scoring=l2_loss_scorer, return_train_score=True, checkpoint_dir=folder
    )
    search.fit(X, y)
    table = gap_table(search)
    GeneralizationGapDisplay.from_search(search)
    BatchedRandomizedSearchCV(model, {"lr": [1e-3, 1e-2]}, n_iter=2, random_state=0).fit(X, y)
    generalization_gap(model, X, y, cv=3)
    print(sorted(table))
    return HybridReasoningRegressor(**search.best_params_)


def train(X: Floats, y: Floats, weight: Floats, path: Path) -> float:
    """Fit, predict, certify, save."""
    model = HybridReasoningRegressor(linear_term=["b0", "b1"], batch_size=32)
    try:
        model.fit(X, y, sample_weight=weight).partial_fit(X, y)
    except DivergenceError as error:
        print(error)
    predicted = model.predict(X, k=3)
    Q, b = model.predict_energy(X)
    print(Q.shape, b.shape, model.certify(X), certify(model).holds)
    save_model(model, path)
    again = load_model(path)
    print(again.predict(X))
    return mean_l2_loss(y, predicted)


def denoise(clean: Floats) -> Floats:
    """Add noise and take it away."""
    noise = LocallyAdaptiveNoise(random_state=0)
    noisy = noise.fit_transform(clean)
    model = HybridReasoningDenoiser(max_steps=100).fit(noisy, clean)
    print(model.score(noisy, clean), load_denoiser().predict(noisy))
    restored: Floats = model.predict(noisy)
    return restored


def layers(Q: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Build the layer into a network of one's own."""
    layer = ReasoningLayer("nag", k=7, mu=0.1, L=1.0, step_size=0.7)
    eigenvalues, rotation = torch.linalg.eigh(Q)
    y = layer(DenseQuadratic(Q, b)) + layer(SpectralQuadratic(eigenvalues, rotation, b))
    total: torch.Tensor = y + layer(DiagonalQuadratic(eigenvalues, b))
    return total


class Momentum(GradientDescent):
    """An algorithm of one's own, from another one."""

    name = "momentum"


def theory(algorithm: Algorithm) -> None:
    """Ask for numbers."""
    low, high = stable_region("gd", 0.1, 1.0)
    for properties in (convergence, stability, sensitivity):
        print(properties(get_algorithm("gd"), k=[1, 2, 3], step_size=high, mu=0.1, L=1.0))
    print(NesterovAcceleratedGradient() == algorithm, low, approximation_bound, decompose_gap)
    check_algorithm(Momentum())


def data() -> tuple[Floats, Floats]:
    """Make data."""
    X, y = make_quadratic_reasoning(n_samples=20, random_state=0)
    return X, y
