"""Gradient ascent over Q, Q', b and step sizes: it never beats a certificate and comes near.

benchmarks/adversarial.py is the long version, over more algorithms and settings.
"""

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from sklearn_reasoning.properties import convergence, sensitivity, stability, stable_region

ALGOS = ("gd", "nag")
PROPERTIES = ("convergence", "in_Q", "in_b", "local", "range")
RESTARTS, D, ITERATIONS = 12, 2, 180
K, MU, L, PHI = 4, 0.1, 1.0, 1.2

# Pairs no closer than this: a ratio is then at most too small, and rounding decides nothing.
CLOSE = 1e-4


def run(Q, b, phi):
    """Return y_k of gd and nag along the first axis, for batches (algorithm, ...)."""
    y = z = torch.zeros_like(b)
    s = (MU * phi) ** 0.5
    beta = ((1 - s) / (1 + s)) * torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1)
    for _ in range(K):
        y_next = z - phi * ((Q * z.unsqueeze(-2)).sum(dim=-1) + b)
        z, y = y_next + beta * (y_next - y), y_next
    return y


class Search:
    """Pairs (Q, b, phi), one for each algorithm, property and restart, kept in their bounds."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        shape = (2, len(ALGOS), len(PROPERTIES), RESTARTS)

        def uniform(*more):
            return torch.rand(*shape, *more, generator=generator, dtype=torch.float64)

        ends = torch.tensor([stable_region(algo, MU, L) for algo in ALGOS], dtype=torch.float64)
        self.low, self.high = ends.log().T.reshape(2, len(ALGOS), 1, 1, 1)
        self.skew = uniform(D, D)
        self.eigenvalues = MU + (L - MU) * uniform(D)
        self.b = uniform(D) - 0.5
        self.log_phi = self.low + (self.high - self.low) * uniform(1)
        self.parameters = [self.skew, self.eigenvalues, self.b, self.log_phi]
        for parameter in self.parameters:
            parameter.requires_grad_()

    def project(self):
        with torch.no_grad():
            self.eigenvalues.clamp_(MU, L)
            self.log_phi.copy_(torch.minimum(torch.maximum(self.log_phi, self.low), self.high))

    def pairs(self):
        """Return both Q, b and phi, of which a property has one or two differ."""
        A = self.skew - self.skew.mT
        identity = torch.eye(D, dtype=torch.float64)
        R = torch.linalg.solve(identity + A, identity - A)  # Cayley's rotation
        Q = (R * self.eigenvalues.unsqueeze(-2)) @ R.mT
        fixed = torch.full_like(self.log_phi, PHI)
        return (
            tied(Q, "in_Q"),
            tied(self.b, "in_b"),
            torch.stack(
                [
                    where("range", self.log_phi.exp()[0], fixed[0]),
                    where("range", self.log_phi.exp()[1], fixed[1] + where("local", CLOSE, 0.0)),
                ]
            ),
        )

    def ratios(self):
        """Return |change of y| over what the property allows, (algorithm, property, restart)."""
        Q, b, phi = self.pairs()
        first, second = run(Q[0], b[0], phi[0]), run(Q[1], b[1], phi[1])
        minimiser = -torch.linalg.solve(Q[0], b[0])
        moved = length(first - where("convergence", minimiser, second))
        allowed = [
            length(minimiser),
            torch.linalg.eigvalsh(Q[0] - Q[1]).abs().amax(-1).clamp_min(CLOSE) * length(b[0]),
            length(b[0] - b[1]).clamp_min(CLOSE),
            CLOSE * length(b[0]),
            (phi[0] - phi[1]).abs().squeeze(-1).clamp_min(CLOSE) * length(b[0]),
        ]
        return moved / torch.stack([values[:, i] for i, values in enumerate(allowed)], dim=1)


def where(name, chosen, other):
    chosen, other = (torch.as_tensor(x, dtype=torch.float64) for x in (chosen, other))
    is_it = torch.tensor([name == own for own in PROPERTIES])
    axes = max(chosen.ndim, other.ndim, 4)
    return torch.where(is_it.reshape(1, -1, *[1] * (axes - 2)), chosen, other)


def tied(pair, free_for):
    """Return a pair whose second is the first, but for one property."""
    return torch.stack([pair[0], where(free_for, pair[1], pair[0])])


def length(v):
    # A square root has no slope at 0.
    return (v.square().sum(dim=-1) + 1e-300).sqrt()


@pytest.fixture(scope="module")
def best():
    """The largest ratios that ascent finds, under (algorithm, property)."""
    search, best = Search(), torch.zeros(len(ALGOS), len(PROPERTIES), RESTARTS)
    optimizer = torch.optim.Adam(search.parameters, lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, ITERATIONS)
    with threadpool_limits(1):
        for _ in range(ITERATIONS):
            optimizer.zero_grad()
            ratios = search.ratios()
            best = torch.maximum(best, ratios.detach())
            (-ratios.log().sum()).backward()
            optimizer.step()
            schedule.step()
            search.project()
    found = best.amax(dim=-1).numpy()
    return {(a, p): found[i, j] for (i, a) in enumerate(ALGOS) for (j, p) in enumerate(PROPERTIES)}


@pytest.mark.parametrize("what", PROPERTIES)
@pytest.mark.parametrize("algo", ALGOS)
def test_ascent_comes_within_one_per_cent_and_never_beyond(best, algo, what):
    stab = stability(algo, K, PHI, MU, L)
    certified = {
        "convergence": convergence(algo, K, PHI, MU, L),
        "in_Q": stab.in_Q,
        "in_b": stab.in_b,
        # Between two step sizes that are close: the supremum over them.
        "local": sensitivity(algo, K, (PHI, PHI + CLOSE), MU, L),
        "range": sensitivity(algo, K, "stable", MU, L),
    }[what].certified
    assert best[algo, what] <= certified * (1 + 1e-9)
    assert best[algo, what] >= 0.99 * certified
    if what == "local":
        np.testing.assert_allclose(certified, sensitivity(algo, K, PHI, MU, L).certified, rtol=0.01)
