"""The bounds hold on fitted models, and by how much: Lemmas 4.1 and 4.2, Eq. 17 and Eq. 18.

The paper's synthetic problem, n = 100: 216 models (gd and nag, six k, three sizes of Q, six seeds),
measured over the whole population of 10,000 rows; Eq. 17 on all pairs of equal algorithm and k.
Eq. 18 compares two estimates from below, so that it is a comparison and no test. Run:
python benchmarks/bounds.py
"""

import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from threadpoolctl import threadpool_limits

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.bounds import (
    approximation_bound,
    empirical_rademacher,
    loss_difference_bound,
    rademacher_transfer_bound,
    representation_bound,
    representation_level,
)
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.estimators import deferred_fits
from sklearn_reasoning.properties import convergence, sensitivity, stability
from sklearn_reasoning.training import fit_stack, trained_models

MU, L, SIGMA_B = 0.1, 1.0, (25 / 3) ** 0.5  # b is uniform in [-5, 5]
ALGORITHMS, K, HIDDEN, SEEDS = ("gd", "nag"), (1, 2, 5, 10, 20, 30), (0, 16, 32), range(6)
EPOCHS = 300
# A bound may be passed by what rounding adds to the measured side.
ROUNDING = 1e-9


@dataclass
class Measured:
    """A model on the population."""

    algo: str
    k: int
    step_size: float
    losses: np.ndarray  # (n,)
    eigenvalues: np.ndarray  # (n, d), in the known basis


def main():
    began = time.perf_counter()
    X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)
    models = trained(X, y)
    spent = time.perf_counter() - began
    print(f"{len(models)} models trained in {spent:.0f} s", file=sys.stderr)
    _, b = problem.energy(problem.X)
    b_norms = np.linalg.norm(b, axis=1)
    truth = problem.eigenvalues(problem.X[:, : problem.n_features])
    R = problem.X[:, -(truth.shape[1] ** 2) :].reshape(len(b), *2 * truth.shape[1:])
    coordinates = np.einsum("nji,nj->ni", R, b)
    groups = defaultdict(list)
    for model in models:
        groups[model.algo, model.k].append(measured(model, problem, R))
    lemmas(groups, truth, coordinates, b_norms)
    pairs(groups, b_norms)
    complexities(X, y, problem, b_norms.max())
    print(f"{time.perf_counter() - began:.0f} s in all", file=sys.stderr)


def trained(X, y):
    """Return all models, each stack trained as one."""
    models = [
        HybridReasoningRegressor(
            algo,
            k=k,
            q_hidden=hidden,
            linear_term="given",
            rotation="given",
            mu=MU,
            L=L,
            max_epochs=EPOCHS,
            random_state=seed,
        )
        for algo in ALGORITHMS
        for k in K
        for hidden in HIDDEN
        for seed in SEEDS
    ]
    with deferred_fits() as fits:
        for model in models:
            model.fit(X, y)
    stacks = defaultdict(list)
    for fit in fits:
        stacks[fit.task.stack_key].append(fit)
    for stack in stacks.values():
        tasks = [fit.task for fit in stack]
        net = fit_stack(tasks[0].architecture, [t.settings for t in tasks], [t.rows for t in tasks])
        for fit, result in zip(stack, trained_models(net), strict=True):
            fit.complete(result)
    return models


def measured(model, problem, R):
    Q, _ = model.predict_energy(problem.X)
    return Measured(
        model.algo,
        model.k,
        model.step_size_,
        np.linalg.norm(model.predict(problem.X) - problem.y, axis=1),
        # The eigenvectors are given, so the diagonal of R'QR is all of Q.
        np.einsum("nji,njk,nki->ni", R, Q, R, optimize=True),
    )


def lemmas(groups, truth, coordinates, b_norms):
    """Print Lemmas 4.1 and 4.2 for every model."""
    M = b_norms.max() / MU
    print(f"\nM = {M:.1f}: the largest |b| of the population, over mu.\n")
    print("| algo | k | models | broken | 4.1 | 4.2 | 4.2 with M of the model itself |")
    print("|---|---|---|---|---|---|---|")
    for (algo, k), group in groups.items():
        ratios = defaultdict(list)
        for model in group:
            cvg = float(convergence(algo, k, model.step_size, MU, L).certified)
            squares = ((model.eigenvalues - truth) ** 2).sum(axis=1)
            mean_square = (model.losses**2).mean()
            own_M = np.linalg.norm(coordinates / model.eigenvalues, axis=1).max()
            error = approximation_bound(np.sqrt(squares).mean(), cvg, sigma_b=SIGMA_B, mu=MU, M=M)
            ratios["4.1"].append(error / model.losses.mean())
            for name, size in (("4.2", M), ("own", own_M)):
                bound = representation_bound(mean_square, cvg, sigma_b=SIGMA_B, L=L, M=size)
                ratios[name].append(bound / squares.mean())
        n_broken = sum(ratio < 1.0 - ROUNDING for values in ratios.values() for ratio in values)
        cells = " | ".join(spread(ratios[name]) for name in ("4.1", "4.2", "own"))
        print(f"| {algo} | {k} | {len(group)} | {n_broken} | {cells} |", flush=True)


def pairs(groups, b_norms):
    """Print Eq. 17 for every pair of one algorithm and k, on every row."""
    print("\n| algo | k | pairs | rows broken | closest row | mean bound / mean difference |")
    print("|---|---|---|---|---|---|")
    for (algo, k), group in groups.items():
        n_broken, closest, ratios = 0, np.inf, []
        for one, other in combinations(group, 2):
            ends = sorted((one.step_size, other.step_size))
            stab = stability(algo, k, ends, MU, L).in_Q.certified.min()
            sens = float(sensitivity(algo, k, tuple(ends), MU, L).certified)
            bound = loss_difference_bound(
                np.abs(one.eigenvalues - other.eigenvalues).max(axis=1),
                ends[1] - ends[0],
                stability=stab * b_norms,
                sensitivity=sens * b_norms,
            )
            difference = np.abs(one.losses - other.losses)
            n_broken += int((difference > bound * (1 + ROUNDING) + ROUNDING).sum())
            seen = difference > 1e-6  # below, a ratio is one of rounding errors
            if seen.any():
                closest = min(closest, (bound[seen] / difference[seen]).min())
                ratios.append(bound.mean() / difference.mean())
        n_pairs = len(group) * (len(group) - 1) // 2
        cells = f"{closest:.2f} | {spread(ratios)}" if ratios else "no difference | no difference"
        print(f"| {algo} | {k} | {n_pairs} | {n_broken} | {cells} |", flush=True)


def complexities(X, y, problem, b_norm):
    """Print Eq. 18 with both complexities estimated, at twice the mean square of a fitted model."""
    Q_true, _ = problem.energy(X)
    M, d = b_norm / MU, Q_true.shape[1]
    print("\n| algo | k | level r | r_q | R_n of the losses | R_n of Q | bound | bound / R_n |")
    print("|---|---|---|---|---|---|---|---|")
    for algo in ALGORITHMS:
        _, high = get_algorithm(algo).stable_region(MU, L)
        low, middle, radius = 0.9 * high, 0.95 * high, 0.05 * high
        for k in (2, 5, 10, 20, 30):
            model = HybridReasoningRegressor(
                algo,
                k=k,
                q_hidden=16,
                step_size=middle,
                step_size_range=(low, high),
                linear_term="given",
                rotation="given",
                mu=MU,
                L=L,
                max_epochs=EPOCHS,
                random_state=0,
            ).fit(X, y)
            level = 2.0 * (np.linalg.norm(model.predict(X) - y, axis=1) ** 2).mean()
            # Both ends: that of the slower is the larger of all between.
            cvg = convergence(algo, k, [low, high], MU, L).certified.max()
            level_q = representation_level(level, cvg, sigma_b=SIGMA_B, L=L, M=M)
            options = {"n_draws": 40, "random_state": 0}
            loss = empirical_rademacher(model, X, y, level=level, **options)
            energy = empirical_rademacher(
                model, X, y, level=level_q, target="Q", Q_true=Q_true, **options
            )
            bound = rademacher_transfer_bound(
                energy.estimate,
                d=d,
                stability=b_norm * stability(algo, k, middle, MU, L).in_Q.certified,
                sensitivity=b_norm * sensitivity(algo, k, (low, high), MU, L).certified,
                step_size_radius=radius,
            )
            print(
                f"| {algo} | {k} | {short(level)} | {short(level_q)} "
                f"| {loss.estimate:.3g} +- {loss.standard_error:.1g} "
                f"| {energy.estimate:.3g} +- {energy.standard_error:.1g} "
                f"| {short(bound)} | {short(bound / loss.estimate)} |",
                flush=True,
            )


def spread(values):
    return ", ".join(short(f(values)) for f in (min, np.median, max))


def short(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
