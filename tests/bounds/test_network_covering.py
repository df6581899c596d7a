"""The covering number of the networks: each step of its proof, on the package's own models."""

import math

import numpy as np
import pytest
import torch

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.bounds import NetworkNorms, mlp_log_covering_number, network_norms

MU, L = 0.1, 1.0


def fitted(d=3, n=20, m=4, seed=0, **parameters):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, m)), rng.standard_normal((n, d))
    blocks = [x]
    if parameters.get("linear_term") == "given":
        blocks.append(rng.standard_normal((n, d)))
    if parameters.get("rotation") == "given":
        blocks.append(np.linalg.qr(rng.standard_normal((n, d, d)))[0].reshape(n, -1))
    X = np.hstack(blocks)
    model = HybridReasoningRegressor(mu=MU, L=L, max_epochs=2, random_state=seed, **parameters)
    return model.fit(X, y if d > 1 else y[:, 0]), X


def q_weights(model):
    """Return the matrices and biases of the network for Q, as views into the module."""
    named = model.module_.named_weights()
    of_Q = {name: values for name, values in named.items() if name.startswith("Q.")}
    matrices = [values for name, values in of_Q.items() if name.endswith(".matrix")]
    biases = [values for name, values in of_Q.items() if name.endswith(".bias")]
    return matrices, biases, [named["skew"]] if "skew" in named else []


MODELS = [
    {"q_hidden": (6, 5), "rotation": "identity"},
    {"q_hidden": 0, "rotation": "given", "linear_term": "given", "d": 5},
    {"q_hidden": (6,), "rotation": "shared"},
    {"q_hidden": (6,), "rotation": "predicted"},
    {"q_hidden": (6,), "rotation": "predicted", "spectrum": "anchored", "d": 4},
    {"q_hidden": None, "rotation": "shared", "d": 2},
    {"q_hidden": (6,), "d": 1},
]


@pytest.mark.parametrize("parameters", MODELS)
def test_norms_of_a_fitted_network(parameters):
    model, X = fitted(**parameters)
    matrices, biases, skew = q_weights(model)
    norms = network_norms(model, X, scale=2.0)
    if matrices:
        expected = [2 * np.linalg.svd(W.numpy(), compute_uv=False).max() for W in matrices]
        np.testing.assert_allclose(norms.spectral, expected)
        expected = [2 * math.sqrt(float((W**2).sum())) for W in matrices]
        np.testing.assert_allclose(norms.frobenius, expected)
    np.testing.assert_allclose(norms.bias, [2 * float(c.norm()) for c in biases])
    numbers = sum(t.numel() for t in matrices + biases + skew)
    assert norms.n_weights == numbers
    x = X[:, :4]
    assert norms.input_norm == pytest.approx(np.linalg.norm(x, axis=1).max())
    mean = network_norms(model, X, metric="l2").input_norm
    assert mean == pytest.approx(math.sqrt((x**2).sum() / len(x)))


@pytest.mark.parametrize("parameters", MODELS)
def test_Q_moves_no_further_than_the_weights_allow(parameters):
    model, X = fitted(**parameters)
    matrices, biases, skew = q_weights(model)
    generator = torch.Generator().manual_seed(0)
    closest = 0.0
    for size in (1e-3, 0.1, 1.0, 3.0):
        for blocks in (matrices, biases, skew, matrices + biases + skew):
            for w in matrices + biases + skew:
                w.copy_(torch.randn(w.shape, generator=generator, dtype=w.dtype))
            before, (Q, _) = [w.clone() for w in blocks], model.predict_energy(X)
            norms = [network_norms(model, X)]
            for w in blocks:
                w.add_(size * torch.randn(w.shape, generator=generator, dtype=w.dtype))
            moved = {id(w): float((w - old).norm()) for w, old in zip(blocks, before, strict=True)}
            other, _ = model.predict_energy(X)
            norms.append(network_norms(model, X))
            s = np.maximum(norms[0].spectral, norms[1].spectral)
            beta = np.maximum(norms[0].bias, norms[1].bias)
            head, activation, allowed = norms[0].lipschitz, norms[0].input_norm, 0.0
            for i, c in enumerate(biases):
                above = head * np.prod(s[i + 1 :])
                if matrices:
                    allowed += above * activation * moved.get(id(matrices[i]), 0.0)
                allowed += above * moved.get(id(c), 0.0)
                activation = s[i] * activation + beta[i]
            for w in skew:
                allowed += norms[0].skew_lipschitz * moved.get(id(w), 0.0)
            distance = np.linalg.norm(Q - other, axis=(1, 2)).max()
            assert distance <= allowed * (1 + 1e-9) + 1e-12
            assert distance <= 2 * norms[0].radius
            centre = 0.5 * (MU + L) * np.eye(Q.shape[1])
            assert np.linalg.norm(Q - centre, axis=(1, 2)).max() <= norms[0].radius + 1e-12
            closest = max(closest, distance / allowed if allowed else 0.0)
    # The bound is of the right size: some change comes within a factor of 60.
    assert closest > 1 / 60


def test_anchored_spectrum_of_three_is_one_matrix():
    model, X = fitted(rotation="given", linear_term="given", d=3)
    assert mlp_log_covering_number([0.0, 0.1], network_norms(model, X)).tolist() == [0.0, 0.0]


def formula(eps, norms):
    """The bound of the docstring, written down once more."""
    groups, a = [(norms.n_skew, norms.skew * norms.skew_lipschitz)], norms.input_norm
    n_layers = len(norms.sizes) - 1
    for i in range(n_layers):
        above = norms.lipschitz
        for j in range(i + 1, n_layers):
            above *= norms.spectral[j]
        groups += [
            (norms.sizes[i] * norms.sizes[i + 1], norms.frobenius[i] * a * above),
            (norms.sizes[i + 1], norms.bias[i] * above),
        ]
        a = norms.spectral[i] * a + norms.bias[i]
    groups = [(p, reach) for p, reach in groups if p * reach > 0]
    total = sum(p for p, _ in groups)
    return sum(p * math.log(1 + 2 * reach * total / (eps * p)) for p, reach in groups)


@pytest.mark.parametrize("parameters", MODELS)
def test_formula_and_its_limits(parameters):
    model, X = fitted(**parameters)
    generator = torch.Generator().manual_seed(1)
    for group in q_weights(model):
        for w in group:
            w.copy_(torch.randn(w.shape, generator=generator, dtype=w.dtype))
    norms = network_norms(model, X, scale=1.5)
    eps = np.geomspace(1e-8, 0.9 * norms.radius, 7)
    log_N = mlp_log_covering_number(eps, norms)
    np.testing.assert_allclose(log_N, [formula(e, norms) for e in eps])
    assert (np.diff(log_N) < 0).all()
    assert mlp_log_covering_number([norms.radius, math.inf], norms).tolist() == [0.0, 0.0]
    assert mlp_log_covering_number(0.0, norms) == math.inf
    larger = network_norms(model, X, scale=3.0)
    assert (mlp_log_covering_number(eps, larger) > log_N).all()


def test_no_packing_is_larger():
    # One weight and one bias with a sigmoid head: members more than 2 eps apart need a ball each.
    norms = NetworkNorms(
        sizes=(1, 1),
        spectral=(3.0,),
        frobenius=(3.0,),
        bias=(2.0,),
        input_norm=1.0,
        lipschitz=(L - MU) / 4,
        radius=(L - MU) / 2,
    )
    grid = np.stack(np.meshgrid(np.linspace(-3, 3, 61), np.linspace(-2, 2, 41)), -1).reshape(-1, 2)
    x = np.linspace(-1, 1, 21)
    Q = MU + (L - MU) / (1 + np.exp(-(grid[:, :1] * x + grid[:, 1:])))
    for eps in (0.05, 0.1, 0.2):
        chosen = []
        for q in Q:
            if all(np.abs(q - other).max() > 2 * eps for other in chosen):
                chosen.append(q)
        assert len(chosen) > 1
        bound = mlp_log_covering_number(eps, norms)
        assert math.log(len(chosen)) <= bound <= math.log(len(chosen)) + 2 * math.log(40)


def test_bad_input():
    good = {
        "sizes": (2, 1),
        "spectral": (1.0,),
        "frobenius": (1.0,),
        "bias": (1.0,),
        "input_norm": 1.0,
        "lipschitz": 1.0,
        "radius": 1.0,
    }
    with pytest.raises(ValueError, match=r"spectral=\(1.0, 2.0\) must have one bound for each"):
        NetworkNorms(**{**good, "spectral": (1.0, 2.0)})
    with pytest.raises(ValueError, match="bias"):
        NetworkNorms(**{**good, "bias": (-1.0,)})
    with pytest.raises(ValueError, match="input_norm=nan"):
        NetworkNorms(**{**good, "input_norm": math.nan})
    with pytest.raises(ValueError, match="eps=-1"):
        mlp_log_covering_number(-1, NetworkNorms(**good))
    with pytest.raises(TypeError, match="norms="):
        mlp_log_covering_number(0.1, good)
    model, X = fitted()
    with pytest.raises(ValueError, match="metric='mean' must be 'sup' or 'l2'"):
        network_norms(model, X, metric="mean")
    with pytest.raises(ValueError, match="scale=0"):
        network_norms(model, X, scale=0)
    with pytest.raises(TypeError, match="must be a HybridReasoningRegressor"):
        network_norms("model", X)
