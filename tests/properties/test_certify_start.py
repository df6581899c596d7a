"""Certificates of models that begin elsewhere than at 0, on a model that is a plain loop."""

import json

import numpy as np
import pytest
from _covering import covering

from sklearn_reasoning.algorithms import PerIteration, RecurrentCell, get_algorithm
from sklearn_reasoning.penalties import Nonnegative
from sklearn_reasoning.properties import (
    FittedLayer,
    MeasuredRows,
    certify,
    convergence,
    sensitivity,
    stability,
    stable_region,
    steps_needed,
)

MU, L, D, N = 0.1, 1.0, 3, 40
PHIS = {"gd": 1.5, "nag": 1.2, "heavy_ball": 1.0}


class Model:
    """Energies drawn at random, and the algorithm's loop from the starts."""

    def __init__(self, loop, algo, k=6, kind="mean", penalty=None, phi=None):
        self.loop, self.algo, self.k, self.kind, self.penalty = loop, algo, k, kind, penalty
        self.phi = PHIS.get(algo) if phi is None else phi
        rng = np.random.default_rng(0)
        R = np.linalg.qr(rng.normal(size=(N, D, D)))[0]
        self.eigenvalues = rng.choice([MU, 0.4, L], size=(N, D))
        self.Q = (R * self.eigenvalues[:, None]) @ R.swapaxes(1, 2)
        self.c = {
            "zero": np.zeros((N, D)),
            "mean": np.tile(50.0 * rng.normal(size=D), (N, 1)),
            "predicted": 5.0 * rng.normal(size=(N, D)),
        }[kind]
        self.b = rng.normal(size=(N, D)) - (self.Q @ self.c[..., None])[..., 0]
        # Some rows begin at their minimisers.
        at_rest = slice(0, 5)
        self.b[at_rest] = -(self.Q @ self.c[..., None])[at_rest, :, 0]

    def outputs(self, k):
        sizes = [self.phi] * k
        problems = zip(self.Q, self.b, self.c, strict=True)
        return np.array([self.loop(Q, b, sizes, MU, L, c) for Q, b, c in problems])

    def _fitted_layer(self):
        region = stable_region(self.algo, MU, L) if self.algo in PHIS else None
        norm = None if self.kind == "predicted" else float(np.linalg.norm(self.c[0]))
        algorithm = get_algorithm(self.algo)
        return FittedLayer(
            algorithm, self.k, self.phi, MU, L, region, start_norm=norm, penalty=self.penalty
        )

    def _measure_rows(self, X, k=None):
        minimiser = -np.linalg.solve(self.Q, self.b[..., None])[..., 0]
        left = self.outputs(self.k if k is None else k) - minimiser
        gradient = (self.Q @ self.c[..., None])[..., 0] + self.b
        lengths = [np.linalg.norm(v, axis=1) for v in (left, self.c - minimiser, gradient, self.c)]
        return MeasuredRows.of(self.eigenvalues, *lengths)


@pytest.fixture
def model(loops):
    def make(algo, kind="mean", **options):
        return Model(loops[algo], algo, kind=kind, **options)

    return make


@covering(
    "algo, kind",
    ["gd", "nag", "heavy_ball", "chebyshev", "cg", "opt"],
    ["zero", "mean", "predicted"],
)
def test_the_bound_holds_from_every_start(model, algo, kind):
    found = certify(model(algo, kind), "rows")
    assert found.holds is True
    bound = found.convergence.certified
    assert bound == convergence(algo, 6, found.layer.phi, MU, L).certified
    # Where a start is its minimiser rounding is all of the distance: no ratio says anything.
    if kind == "mean" and algo not in ("opt", "cg"):
        assert (found.rows.first_distance[:5] < 1e-12).all()
        assert (found.rows.relative_distance[5:] <= bound * (1 + 1e-9)).all()
    assert "within the bound" in str(found) or algo == "opt"
    numbers = json.loads(json.dumps(found.to_dict()))
    assert numbers["start_norm"] == found.layer.start_norm
    assert numbers["holds"] is True


@pytest.mark.parametrize("kind", ["zero", "mean", "predicted"])
@pytest.mark.parametrize("algo", ["gd", "nag", "heavy_ball", "chebyshev", "opt"])
def test_what_moves_with_Q_on_the_rows(model, algo, kind):
    one = model(algo, kind)
    found, rng = certify(one, "rows"), np.random.default_rng(1)
    allowed = found.to_dict()["stability_in_Q_on_rows"]
    stab = stability(algo, 6, found.layer.phi, MU, L)
    assert allowed == pytest.approx(
        (stab.in_Q.certified * found.rows.gradient_norm
         + stab.in_b.certified * found.rows.start_norm).max()
    )  # fmt: skip
    before, Q = one.outputs(6), one.Q
    for _ in range(20):
        one.Q = Q + rng.choice([1e-3, 0.5]) * (Q[rng.permutation(N)] - Q)
        distance = np.linalg.norm(one.Q - Q, 2, axis=(1, 2))
        moved = np.linalg.norm(one.outputs(6) - before, axis=1)
        assert (moved <= allowed * distance + 1e-10).all()
    one.Q = Q


def test_too_far_is_told(model):
    found = certify(model("gd", k=6), "rows")
    closer = model("gd", k=6)
    closer.outputs = lambda k: Model.outputs(closer, 2)  # as if 2 steps were 6
    assert found.holds
    assert certify(closer, "rows").holds is False
    assert "MORE than the bound" in str(certify(closer, "rows"))


def test_the_recurrent_cell(cell):
    weights = {n: w.numpy() for n, w in RecurrentCell().initial_weights(D, MU, L).items()}
    weights["V"] = 0.9 * weights["V"]

    def loop(Q, b, sizes, mu, L, start):
        return cell(Q, b, weights, len(sizes), start)

    at_zero = certify(Model(loop, "rnn", kind="zero", phi=weights), "rows")
    assert at_zero.holds is True
    assert np.isfinite(at_zero.sensitivity.certified)
    elsewhere = certify(Model(loop, "rnn", kind="mean", phi=weights), "rows")
    assert elsewhere.convergence.certified == np.inf
    assert elsewhere.holds is None
    assert elsewhere.steps_needed is None
    assert elsewhere.sensitivity.certified == np.inf
    assert "no bound" in str(elsewhere)
    assert "no bound" in elsewhere._repr_html_()
    assert elsewhere.rows.relative_distance.max() > 1e3  # it leaves the minimisers
    # What moves with Q is bounded all the same.
    assert np.isfinite(elsewhere.to_dict()["stability_in_Q_on_rows"])
    assert "nan" not in str(elsewhere)


@pytest.mark.parametrize("algo", ["gd", "nag", "heavy_ball", "opt"])
def test_with_a_penalty_the_bounds_are_those_with_it(model, algo):
    found = certify(model(algo, "zero", penalty=Nonnegative()))
    arguments = (algo, found.k, found.layer.phi, MU, L)
    own, stab = found.stability, stability(*arguments, penalty=Nonnegative())
    for part, expected in (
        (found.convergence, convergence(*arguments, penalty=Nonnegative())),
        (found.sensitivity, sensitivity(*arguments, penalty=Nonnegative())),
        (own.in_Q, stab.in_Q),
        (own.in_b, stab.in_b),
        (own.in_start, stab.in_start),
    ):
        assert (part.attained, part.certified) == (expected.attained, expected.certified)
    assert found.steps_needed == steps_needed(
        algo, 0.01, found.layer.phi, MU, L, penalty=Nonnegative()
    )
    assert ("Convergence: no bound" in str(found)) == (algo in ("nag", "heavy_ball"))
    assert found.holds is None  # there are no rows


def test_a_method_that_would_leave_the_penalty_out_has_no_certificate(model):
    with pytest.raises(ValueError, match=r"algo='cg' needs .* penalty=Nonnegative\(\)"):
        certify(model("cg", "zero", penalty=Nonnegative()), "rows")


def test_step_sizes_of_each_iteration(model):
    sizes = PerIteration((1.0, 0.5, 1.5, 1.0, 0.7, 1.0))
    one = model("gd", phi=sizes)
    one.outputs = lambda k: np.array(
        [one.loop(Q, b, sizes.sizes, MU, L, c) for Q, b, c in zip(one.Q, one.b, one.c, strict=True)]
    )
    found = certify(one, "rows")
    assert found.holds
    assert found.sensitivity.certified == sensitivity("gd", 6, sizes, MU, L).certified
