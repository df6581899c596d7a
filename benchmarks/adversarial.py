"""Gradient ascent over Q, Q', b and step sizes never beats a certificate, and comes near it.

Adam with projection, a few restarts, on plain unrolled recurrences: eigenvalues kept in [mu, L],
rotations by Cayley's transform. All properties are searched at once, each with its own restarts.
The last three begin at a start c that is not 0. Prints what was found over what is certified: the
largest may not exceed 1, the smallest says how near the search came. Only in the last row of each
algorithm it does, many fold: there Q moves, |c| = 100 |b|, and the bound is that of the start 0.
Run: python benchmarks/adversarial.py
"""

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass

import torch
from threadpoolctl import threadpool_limits

from sklearn_reasoning.properties import convergence, sensitivity, stability, stable_region

PROPERTIES = (
    "Cvg",
    "Stab in Q",
    "Stab in b",
    "Sens, local",
    "Sens, range",
    "start: Q",
    "start: Q, b, c",
    "start: Q, as if from 0",
)
RESTARTS, ITERATIONS = 8, 1000
STEPS = (2, 4, 12)
MUS = (0.1, 0.01)
DIMENSIONS = (2, 4)

# Pairs no closer than this share of their scale: the ratio is then at most too small.
CLOSE = 1e-4


@dataclass(frozen=True)
class Setting:
    """What is searched: an algorithm at k, mu, L = 1, d and phi, and its range of step sizes."""

    algo: str
    k: int
    mu: float
    d: int
    phi: float
    low: float
    high: float


def settings():
    for algo, k, mu, d in itertools.product(
        ("gd", "nag", "heavy_ball", "chebyshev"), STEPS, MUS, DIMENSIONS
    ):
        if algo == "chebyshev":
            yield Setting(algo, k, mu, d, 1.0, 0.5, 1.0)  # its step size is never read
            continue
        low, high = stable_region(algo, mu, 1.0)
        for phi in (1.0, high * (1 - CLOSE)):
            yield Setting(algo, k, mu, d, phi, low, high)


def run(setting, Q, b, phi, start):
    """Return y_k, for phi of shape (..., 1)."""
    y = z = before = start
    mu, omega, rho = setting.mu, 1.0, (1.0 - setting.mu) / (1.0 + setting.mu)
    s = (mu * phi) ** 0.5

    def gradient(v):
        return product(Q, v) + b

    for _ in range(setting.k):
        if setting.algo == "chebyshev":
            y_next = before + omega * (y - 2.0 / (mu + 1.0) * gradient(y) - before)
            omega = 2.0 / (2.0 - rho**2) if omega == 1.0 else 4.0 / (4.0 - rho**2 * omega)
        elif setting.algo == "heavy_ball":
            y_next = y - phi * gradient(y) + (1 - s) ** 2 * (y - before)
        else:
            y_next = z - phi * gradient(z)
            momentum = (1 - s) / (1 + s) if setting.algo == "nag" else 0.0
            z = y_next + momentum * (y_next - y)
        before, y = y, y_next
    return y


def product(Q, v):
    return (Q * v.unsqueeze(-2)).sum(dim=-1)


class Search:
    """Pairs (Q, b, phi), one for each property and restart."""

    def __init__(self, setting, generator):
        self.setting = setting
        stab = stability(setting.algo, setting.k, setting.phi, setting.mu)
        parts = (stab.in_Q, stab.in_b, stab.in_Q_per_start, stab.in_start)
        self.S_Q, self.S_b, self.S_c, self.S_0 = (float(part.certified) for part in parts)
        d, shape = setting.d, (2, len(PROPERTIES), RESTARTS)

        def uniform(*more):
            return torch.rand(*shape, *more, generator=generator, dtype=torch.float64)

        self.log_range = torch.tensor([setting.low, setting.high], dtype=torch.float64).log()
        self.log_mu = math.log(setting.mu)
        self.skew = uniform(d, d)
        shares = uniform(d)
        spread = (setting.mu + (1.0 - setting.mu) * shares).log()
        # By turns over all magnitudes, and over all of [mu, L], most of which is large.
        by_turns = (torch.arange(RESTARTS) // 2 % 2 == 0).reshape(-1, 1)
        self.log_eigenvalues = torch.where(by_turns, self.log_mu * shares, spread)
        # Half of the pairs begin close together: where a slope is the supremum, that is its place.
        for values in (self.skew, self.log_eigenvalues):
            near = values[0, :, ::2] + 1e-2 * (values[1, :, ::2] - values[0, :, ::2])
            values[1, :, ::2] = near
        self.b = uniform(d) - 0.5
        self.log_phi = self.log_range[0] + (self.log_range[1] - self.log_range[0]) * uniform(1)
        self.start = uniform(d) - 0.5
        self.parameters = [self.skew, self.log_eigenvalues, self.b, self.log_phi, self.start]
        for parameter in self.parameters:
            parameter.requires_grad_()

    def ratios(self):
        """Return the change of y over what the property allows, (property, restart)."""
        setting, identity = self.setting, torch.eye(self.setting.d, dtype=torch.float64)
        A = self.skew - self.skew.mT
        R = torch.linalg.solve(identity + A, identity - A)
        Q = tied((R * self.log_eigenvalues.exp().unsqueeze(-2)) @ R.mT, (1, 5, 6, 7))
        b, start = self.problems(Q[0])
        phi = torch.full_like(self.log_phi, setting.phi)
        free = self.log_phi.exp()
        phi = torch.stack([chosen(4, free[0], phi[0]), chosen(4, free[1], phi[1])])
        phi = torch.stack([phi[0], chosen(3, phi[1] + CLOSE * setting.phi, phi[1])])
        first = run(setting, Q[0], b[0], phi[0], start[0])
        second = run(setting, Q[1], b[1], phi[1], start[1])
        minimiser = -torch.linalg.solve(Q[0], b[0])
        moved = length(first - chosen(0, minimiser, second))
        far = torch.linalg.eigvalsh(Q[0] - Q[1]).abs().amax(-1).clamp_min(CLOSE * setting.mu)
        apart = (phi[0] - phi[1]).abs().squeeze(-1).clamp_min(CLOSE * setting.low)
        gradient, other = (length(product(Q[i], start[0]) + b[i]) for i in (0, 1))
        per_start = self.S_c * length(start[0])
        allowed = (
            length(minimiser),
            far * length(b[0]),
            length(b[0] - b[1]).clamp_min(CLOSE),
            CLOSE * setting.phi * length(b[0]),
            apart * length(b[0]),
            far * (self.S_Q * torch.minimum(gradient, other) + per_start),
            far * (self.S_Q * gradient + per_start)
            + self.S_b * length(b[0] - b[1])
            + self.S_0 * length(start[0] - start[1]),
            far * self.S_Q * length(b[0]),
        )
        return moved / torch.stack([values[i] for i, values in enumerate(allowed)])

    def problems(self, Q):
        """Return both b and both starts, of which most properties have the start 0."""
        b = tied(self.b, 2)
        direction, unit = (v[0] / length(v[0]).unsqueeze(-1) for v in (self.start, self.b))
        # Both parts of the bound of one size: the gradient is of norm 1.
        start = self.S_Q / self.S_c * direction
        gradient = unit - product(Q, start)
        moves = [chosen(6, 0.1 * v[1], torch.zeros_like(v[1])) for v in (self.b, self.start)]
        still = torch.zeros_like(start)
        start = chosen(7, 100.0 * direction, chosen((5, 6), start, still))
        first, second = (chosen(7, unit, chosen((5, 6), gradient, each)) for each in b)
        return (first, second + moves[0]), (start, start + moves[1])

    def project(self):
        """Bring the parameters back into their bounds."""
        with torch.no_grad():
            self.log_eigenvalues.clamp_(self.log_mu, 0.0)
            self.log_phi.clamp_(*self.log_range.tolist())


def chosen(indices, own, other):
    """Return ``own`` for one or some of the properties, ``other`` for the rest."""
    is_it = torch.isin(torch.arange(len(PROPERTIES)), torch.tensor(indices))
    return torch.where(is_it.reshape(-1, *[1] * (own.ndim - 1)), own, other)


def tied(pair, free_for):
    return torch.stack([pair[0], chosen(free_for, pair[1], pair[0])])


def length(v):
    # A square root has no slope at 0.
    return (v.square().sum(dim=-1) + 1e-300).sqrt()


def ascend(setting, generator):
    search, best = Search(setting, generator), torch.zeros(len(PROPERTIES), RESTARTS)
    optimizer = torch.optim.Adam(search.parameters, lr=0.1, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, ITERATIONS)
    for _ in range(ITERATIONS):
        optimizer.zero_grad()
        ratios = search.ratios()
        best = torch.maximum(best, ratios.detach())
        (-ratios.clamp_min(1e-200).log().sum()).backward()
        optimizer.step()
        schedule.step()
        search.project()
    return best.amax(dim=-1).tolist()


def certified(setting):
    algo, k, phi, mu = setting.algo, setting.k, setting.phi, setting.mu
    stab = stability(algo, k, phi, mu)
    found = {"Cvg": convergence(algo, k, phi, mu), "Stab in Q": stab.in_Q, "Stab in b": stab.in_b}
    if algo != "chebyshev":
        near = (phi, phi * (1 + CLOSE))
        found["Sens, local"] = sensitivity(algo, k, near, mu)
        found["Sens, range"] = sensitivity(algo, k, (setting.low, setting.high), mu)
    bounds = {name: float(certificate.certified) for name, certificate in found.items()}
    # Of these the bound is in the ratio.
    return bounds | {name: 1.0 for name in PROPERTIES if name.startswith("start")}


def main():
    generator = torch.Generator().manual_seed(0)
    shares = defaultdict(list)
    for setting in settings():
        best = ascend(setting, generator)
        found = dict(zip(PROPERTIES, best, strict=True))
        for name, bound in certified(setting).items():
            shares[setting.algo, name].append(found[name] / bound)
    print("Best found / certified, over k, mu, step sizes and dimensions\n")
    print("| algorithm | property | settings | largest | median | smallest |")
    print("|---|---|---|---|---|---|")
    for (algo, name), values in shares.items():
        values.sort()
        print(
            f"| {algo} | {name} | {len(values)} | {values[-1]:.6f} "
            f"| {values[len(values) // 2]:.4f} | {values[0]:.4f} |"
        )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
