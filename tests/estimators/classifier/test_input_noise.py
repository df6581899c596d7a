"""What a user relies on of the noise that is added to X in training."""

import numpy as np
import pytest
import torch
from estimators.classifier._small_classifiers import cells_of, classifier, features, same_bits
from torch import nn


class Seen(nn.Module):
    """A linear map that remembers what it was given in training."""

    inputs = None

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.linear = nn.Linear(n_features, n_outputs)

    def forward(self, x):
        if self.training:
            Seen.inputs.append(x.detach().numpy().copy())
        return self.linear(x)


def seen_in_training(monkeypatch, X, y, **parameters):
    """Return what a perception was given, of shape (epochs, n, n_features)."""
    monkeypatch.setattr(Seen, "inputs", [])
    model = classifier(
        perception=lambda n_features, n_cells, n_classes: Seen(n_features, n_cells * n_classes),
        batch_size=len(X),
        **parameters,
    )
    model.fit(X, y)
    return np.stack(Seen.inputs)


def test_noise_is_a_share_of_the_spread_of_each_column(monkeypatch):
    X = features(n=400) * [0.1, 1.0, 10.0, 0.0]
    found = seen_in_training(monkeypatch, X, cells_of(X), input_noise=0.3, max_epochs=20)
    noise = found - X
    np.testing.assert_allclose(
        noise[:, :, :3].std(axis=(0, 1)), 0.3 * X[:, :3].std(axis=0), rtol=0.03
    )
    assert (noise[:, :, 3] == 0.0).all()
    assert abs(np.corrcoef(noise[0, :, 1], noise[1, :, 1])[0, 1]) < 0.2


def test_without_noise_x_is_what_it_was(monkeypatch):
    X = features()
    for noise in (0, 0.0, "auto"):
        found = seen_in_training(monkeypatch, X, cells_of(X), input_noise=noise)
        assert (found == X).all()


def has_noise_by_default(x, y):
    default, without = (
        classifier(perception="per_cell", **noise).fit(x, y) for noise in ({}, {"input_noise": 0})
    )
    return not same_bits(default, without, x)


def test_blocks_that_come_again_and_again_are_read_with_noise():
    few, y = features(n=8, m=3), cells_of(features(m=6))
    drawn = few[np.random.default_rng(0).integers(8, size=(40, 2))].reshape(40, 6)
    assert has_noise_by_default(drawn, y)
    assert not has_noise_by_default(features(m=6), y)  # each block is another one
    assert not has_noise_by_default((drawn > 0).astype(float), y)  # symbols


def test_blocks_of_zeros_stay_zeros(monkeypatch):
    X = features(n=30, m=6).reshape(30, 2, 3)
    X[::2, 1] = 0.0
    blocks = []

    def record(module, inputs, output):
        if module.training:
            blocks.append(inputs[0].detach().numpy().copy())

    model = classifier(perception="per_cell", input_noise=0.5, batch_size=30, max_epochs=2)
    hook = nn.modules.module.register_module_forward_hook(
        lambda module, *rest: record(module, *rest) if type(module).__name__ == "PerCell" else None
    )
    try:
        model.fit(X.reshape(30, 6), cells_of(X.reshape(30, 6)))
    finally:
        hook.remove()
    for x in blocks:
        empty = (x.reshape(30, 2, 3) == 0.0).all(axis=2)
        assert empty.sum() == 15
    assert len(blocks) == 2


@pytest.mark.parametrize("perception", ["joint", "per_cell"])
def test_noise_follows_from_the_seed_and_leaves_global_states_alone(perception):
    X = features()
    before = torch.random.get_rng_state()
    one, other = (
        classifier(perception=perception, input_noise=0.5).fit(X, cells_of(X)) for _ in range(2)
    )
    assert same_bits(one, other, X)
    assert (torch.random.get_rng_state() == before).all()
    third = classifier(perception=perception, input_noise=0.4).fit(X, cells_of(X))
    assert not same_bits(one, third, X)


@pytest.mark.parametrize("perception", ["joint", "per_cell"])
def test_noise_beyond_all_numbers_is_refused(perception):
    X = features()
    with pytest.raises(ValueError, match=r"input_noise=0\.5.*float64: scale X"):
        classifier(perception=perception, input_noise=0.5).fit(1e200 * X, cells_of(X))
    # scikit-learn's sum of such an X overflows.
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"input_noise=10.*float32: sc"):
        classifier(perception=perception, input_noise=10).fit(
            (1e38 * X / abs(X).max()).astype(np.float32), cells_of(X)
        )
    classifier(perception=perception, input_noise=0, max_epochs=1).fit(1e200 * X, cells_of(X))


@pytest.mark.parametrize("value", [-0.1, "some", np.nan, np.inf, None])
def test_other_values_are_refused_by_name(value):
    X = features()
    with pytest.raises((TypeError, ValueError), match="input_noise"):
        classifier(input_noise=value).fit(X, cells_of(X))
