"""Certificates are exact to a thousandth, to all digits, and take less than 50 ms a model.

First certified / attained, and attained against mpmath at the eigenvalue that it is said to be
attained at, over k up to 1,000 and condition numbers up to 1e6. Then the time of one ``certify``
of a fitted model with 1,000 rows. Run: python benchmarks/certificates.py [exact | time]
"""

import sys

import mpmath
import numpy as np
from _timing import interleaved_medians
from mpmath import mpf
from sklearn.datasets import load_digits

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import list_algorithms
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.properties import convergence, sensitivity, stability, stable_region

ALGORITHMS = ("gd", "nag", "heavy_ball", "chebyshev")
K = np.unique(np.geomspace(1, 1000, 40).astype(int))
CONDITIONS = (2.0, 10.0, 1e2, 1e3, 1e4, 1e5, 1e6)
K_IN_DIGITS = (1, 2, 3, 10, 100, 1000)
CONDITIONS_IN_DIGITS = (10.0, 1e4, 1e6)
TINY_STEP = mpf(10) ** -40


def step_sizes(algo, mu):
    if algo == "chebyshev":
        return (None,)
    low, high = stable_region(algo, mu, 1.0)
    return (low, 10.0 * low, 1.0, high)


def certificates(algo, k, phi, mu):
    stab = stability(algo, k, phi, mu)
    found = {"Cvg": convergence(algo, k, phi, mu), "Stab in b": stab.in_b, "Stab in Q": stab.in_Q}
    if phi is not None:
        found["Sens, local"] = sensitivity(algo, k, phi, mu)
    return found


# ---------------------------------------------------------------------- certified / attained


def largest_ratios(algo):
    """Return the largest certified / attained of each property."""
    ratios = {}

    def note(name, found):
        # Numbers below the normal ones have few digits.
        good = found.attained > 1e-300
        ratio = (found.certified[good] / found.attained[good]).max(initial=1.0)
        ratios[name] = max(ratios.get(name, 1.0), float(ratio))

    for condition in CONDITIONS:
        mu = 1.0 / condition
        for phi in step_sizes(algo, mu):
            for name, found in certificates(algo, K, phi, mu).items():
                note(name, found)
        if algo != "chebyshev":
            note("Sens, range", sensitivity(algo, K, "stable", mu))
    return ratios


# ---------------------------------------------------------------------- against mpmath


def run(algo, t, k, phi, mu, y, b):
    """Run k steps on the scalar energy t y^2 / 2 + b y from y, with L = 1."""
    before = z = y
    s = None if phi is None else mpmath.sqrt(mu * phi)
    rho, omega = (1 - mu) / (1 + mu), mpf(1)
    for i in range(k):
        if algo == "chebyshev":
            y, before = before + omega * (y - 2 / (mu + 1) * (t * y + b) - before), y
            omega = 2 / (2 - rho**2) if i == 0 else 4 / (4 - rho**2 * omega)
        elif algo == "gd":
            y = y - phi * (t * y + b)
        elif algo == "nag":
            y_next = z - phi * (t * z + b)
            z, y = y_next + (1 - s) / (1 + s) * (y_next - y), y_next
        else:
            y, before = y - phi * (t * y + b) + (1 - s) ** 2 * (y - before), y
    return y


def exact(name, algo, t, k, phi, mu):
    t, mu, phi = mpf(t), mpf(mu), None if phi is None else mpf(phi)
    if name == "Cvg":
        return abs(run(algo, t, k, phi, mu, mpf(1), 0))
    if name == "Stab in b":
        return abs(run(algo, t, k, phi, mu, mpf(0), -1))
    h = TINY_STEP
    if name == "Stab in Q":
        ends = [run(algo, t + x, k, phi, mu, mpf(0), -1) for x in (h, -h)]
    else:
        ends = [run(algo, t, k, phi + x, mu, mpf(1), 0) / t for x in (h, -h)]
    return abs(ends[0] - ends[1]) / (2 * h)


def largest_deviations(algo):
    """Return the largest relative deviation of attained values from mpmath's."""
    deviations = {}
    for condition in CONDITIONS_IN_DIGITS:
        mu = 1.0 / condition
        for phi in step_sizes(algo, mu):
            for name, found in certificates(algo, np.array(K_IN_DIGITS), phi, mu).items():
                for i, k in enumerate(K_IN_DIGITS):
                    reference = exact(name, algo, float(found.eigenvalue[i]), k, phi, mu)
                    if reference > 1e-300:
                        deviation = abs(float(found.attained[i] / reference - 1))
                        deviations[name] = max(deviations.get(name, 0.0), deviation)
    return deviations


def exactness():
    print("| algorithm | property | certified / attained - 1 | deviation from mpmath |")
    print("|---|---|---|---|")
    with mpmath.workdps(100):
        for algo in ALGORITHMS:
            deviations = largest_deviations(algo)
            for name, ratio in largest_ratios(algo).items():
                deviation = f"{deviations[name]:.1e}" if name in deviations else ""
                print(f"| {algo} | {name} | {ratio - 1:.1e} | {deviation} |")


# ---------------------------------------------------------------------- time


def fitted_models():
    X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)
    for algo in list_algorithms():
        model = HybridReasoningRegressor(
            algo, linear_term="given", rotation="given", max_epochs=2, random_state=0
        )
        yield f"{algo}, d = 5", model.fit(X, y), problem.X[:1000]
    pixels = load_digits().data / 16.0
    for algo in ("gd", "nag", "cg", "rnn"):
        model = HybridReasoningRegressor(algo, max_epochs=2, random_state=0)
        yield f"{algo}, digits, d = 64", model.fit(pixels, pixels), pixels[:1000]


def times():
    print("\n| fitted model, k = 10 | certify, 1,000 rows | without rows |")
    print("|---|---|---|")
    for name, model, X in fitted_models():
        seconds = interleaved_medians(
            {"rows": lambda m=model, X=X: m.certify(X), "alone": lambda m=model: m.certify()},
            repeats=15,
        )
        print(f"| {name} | {1e3 * seconds['rows']:.1f} ms | {1e3 * seconds['alone']:.1f} ms |")


if __name__ == "__main__":
    if "time" not in sys.argv[1:]:
        exactness()
    if "exact" not in sys.argv[1:]:
        times()
