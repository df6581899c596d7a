"""The folder: it learns, and what it predicts obeys the rules at every k."""

import copy

import numpy as np
import pytest
import torch
from estimators.folder._small_folders import (
    FEW,
    FEW_STRUCTURES,
    MORE,
    SEQUENCES,
    STRUCTURES,
    THEIRS,
    folder,
)

from sklearn_reasoning.matching import MatchingLayer
from sklearn_reasoning.properties import certify
from sklearn_reasoning.rna import allowed_pairs_of_batch, pair_f1, parse_dot_bracket

CAN_PAIR = {"AU", "UA", "CG", "GC", "GU", "UG"}


@pytest.fixture(scope="module")
def fitted():
    return folder(max_epochs=18, batch_size=6, lr=5e-2).fit(SEQUENCES, STRUCTURES)


def is_valid(sequence, pairs):
    bases = np.ravel(pairs)
    return len(np.unique(bases)) == len(bases) and all(
        sequence[i] + sequence[j] in CAN_PAIR and j - i >= 4 for i, j in pairs
    )


def test_it_learns_hairpins(fitted):
    assert fitted.score(SEQUENCES, STRUCTURES) > 0.9
    assert fitted.history_[-1]["train_loss"] < 0.2 * fitted.history_[0]["train_loss"]


@pytest.fixture(scope="module")
def greedy(fitted):
    """A model whose scores ask for far more than there is."""
    model = copy.deepcopy(fitted)
    with torch.no_grad():
        model.module_.network.last.bias.add_(8.0)
    return model


@pytest.mark.parametrize("k", [0, 1, 3, 20, 200])
@pytest.mark.parametrize("which", ["fitted", "greedy"])
def test_pairings_are_feasible_at_every_k(which, k, request):
    model = request.getfixturevalue(which)
    sequences = [*MORE[2:4], "A" * 5, "GC", "N" * 7, "GGGGGNNNNCCCCC"]
    proba = model.predict_proba(sequences, k)
    for sequence, weights, pairs in zip(
        sequences, proba, model.predict_pairs(sequences, k), strict=True
    ):
        n = len(sequence)
        assert weights.shape == (n, n)
        assert weights.dtype == np.float64
        np.testing.assert_array_equal(weights, weights.T)
        assert weights.min() >= 0.0
        assert weights.sum(axis=1).max() <= 1.0 + 1e-12
        assert is_valid(sequence, np.argwhere(np.triu(weights) > 0.5))
        assert all(sequence[i] + sequence[j] in CAN_PAIR for i, j in np.argwhere(weights > 0.0))
        assert is_valid(sequence, pairs)


def test_predictions_agree_with_one_another(fitted):
    pairs = fitted.predict_pairs(MORE)
    for text, own, sequence in zip(fitted.predict(MORE), pairs, MORE, strict=True):
        assert len(text) == len(sequence)
        np.testing.assert_array_equal(parse_dot_bracket(text), own)
    truth = [parse_dot_bracket(structure) for structure in THEIRS]
    expected = np.mean([pair_f1(*both) for both in zip(truth, pairs, strict=True)])
    assert fitted.score(MORE, THEIRS) == pytest.approx(expected)
    assert fitted.score(MORE, truth) == pytest.approx(expected)


def test_the_pairing_is_that_of_the_matching_layer(fitted):
    codes = torch.tensor([["ACGU".index(letter) for letter in MORE[0]]])
    with torch.no_grad():
        logits = fitted.module_.network(codes, allowed_pairs_of_batch(codes), None)
    allowed = torch.tensor(
        [[a + b in CAN_PAIR and abs(i - j) > 3 for j, b in enumerate(MORE[0])]
         for i, a in enumerate(MORE[0])]
    )  # fmt: skip
    for k in (0, 5, 20):
        expected = MatchingLayer(k=k)(0.5 + 0.25 * logits, allowed)[0]
        np.testing.assert_allclose(fitted.predict_proba(MORE[:1], k)[0], expected, atol=1e-6)


def test_nested_pairs_only(fitted):
    knotted = folder(max_epochs=1).fit(MORE, THEIRS)
    knotted.net_ = fitted.net_
    knotted.set_params(pseudoknots=False)
    for pairs in knotted.predict_pairs(MORE):
        assert not any(i < a < j < b for i, j in pairs for a, b in pairs)
    assert not any(set(text) - set("().") for text in knotted.predict(MORE))


def test_a_prediction_does_not_depend_on_the_others(fitted):
    alone = [fitted.predict_proba([sequence])[0] for sequence in MORE]
    for own, among in zip(alone, fitted.predict_proba(MORE), strict=True):
        np.testing.assert_array_equal(own, among)


def test_letters_in_any_case_and_of_dna(fitted):
    given = [SEQUENCES[0].lower(), SEQUENCES[0].replace("U", "T")]
    assert fitted.predict(given) == fitted.predict([SEQUENCES[0]] * 2)


def test_the_gap_is_certified(fitted):
    certificates = [fitted.certify(MORE[:3], k) for k in (1, 20, 300)]
    for certificate in certificates:
        assert certificate.gap.shape == (3,)
        assert (certificate.gap <= certificate.gap_bound).all()
    assert certificates[2].gap.max() < 3e-2 * certificates[0].gap.max()
    last = fitted.predict_proba(MORE[:3], 500)
    for row, (near, best) in enumerate(zip(fitted.predict_proba(MORE[:3], 20), last, strict=True)):
        away = np.sqrt(np.square(near - best).sum() / 2.0)
        assert away <= certificates[1].distance[row] + 1e-3
    assert fitted.certify(MORE[:3]).k == 5
    with pytest.raises(TypeError, match="use the method certify"):
        certify(fitted)


def test_batches_of_unlike_lengths_give_the_loss_of_single_sequences():
    losses = []
    for options in ({"batch_size": 24, "bucket": 64}, {"batch_size": 1, "bucket": 1}):
        # A rate of next to nothing: the loss is that of the initial weights.
        model = folder(max_epochs=1, lr=1e-12, **options).fit(FEW, FEW_STRUCTURES)
        losses.append(model.history_[0]["train_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


# ------------------------------------------------------------------ a prior


def truth(sequence):
    structure = dict(zip([*SEQUENCES, *MORE], [*STRUCTURES, *THEIRS], strict=True))[sequence]
    whole = np.zeros((len(sequence),) * 2)
    whole[tuple(parse_dot_bracket(structure).T)] = 0.95
    return whole


@pytest.mark.parametrize("learned", ["auto", "network"])
def test_a_prior_that_knows_is_believed(learned):
    model = folder(prior=truth, learned=learned, max_epochs=1, lr=1e-4)
    assert model.fit(FEW, FEW_STRUCTURES).score(MORE, THEIRS) > 0.95


def doubtful(sequence):
    """The truth, at a probability that is too low to be taken for it."""
    return np.minimum(truth(sequence), 0.1)


def test_with_a_prior_two_numbers_are_learned():
    model = folder(prior=doubtful, max_epochs=16, batch_size=5, lr=0.15)
    model.fit(FEW, FEW_STRUCTURES)
    factor, constant = (p.detach() for p in model.module_.parameters())
    assert model.score(MORE, THEIRS) == 1.0
    first = folder(prior=doubtful, max_epochs=1, lr=1e-9).fit(FEW, FEW_STRUCTURES)
    assert first.score(MORE, THEIRS) < 0.5
    # The logits are the prior's, times a factor, and a constant.
    p = np.clip(doubtful(MORE[0]), 1e-4, None)
    codes = torch.tensor([["ACGU".index(letter) for letter in MORE[0]]])
    given = torch.from_numpy(doubtful(MORE[0]) + doubtful(MORE[0]).T)[None].float()
    logits = model.module_.network(codes, allowed_pairs_of_batch(codes), given)[0].detach().numpy()
    expected = factor.item() * np.log(p / (1.0 - p)) + constant.item()
    pairs = parse_dot_bracket(THEIRS[0]).T
    np.testing.assert_allclose(logits[tuple(pairs)], expected[tuple(pairs)], rtol=1e-4)


def test_a_network_beside_a_prior_learns_what_the_prior_lacks():
    model = folder(prior=doubtful, learned="network", max_epochs=8, batch_size=4)
    model.fit(FEW, FEW_STRUCTURES)
    losses = model.history_[:, "train_loss"]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (lambda sequence: np.zeros((3, 3)), r"for sequences\[0\]; it must return"),
        (lambda sequence: np.full((len(sequence),) * 2, 1.5), r"sequences\[0\] has not"),
        (lambda sequence: np.full((len(sequence),) * 2, np.nan), r"sequences\[0\] has not"),
    ],
)
def test_a_prior_that_is_none(prior, message):
    with pytest.raises(ValueError, match=message):
        folder(prior=prior).fit(SEQUENCES, STRUCTURES)


def test_the_index_of_a_wrong_prior_is_that_of_the_sequence():
    model = folder(prior=truth).fit(SEQUENCES, STRUCTURES)
    model.prior = lambda sequence: truth(sequence) if sequence == MORE[0] else [[]]
    with pytest.raises(ValueError, match=r"sequences\[1\]"):
        model.predict(MORE[:2])


def test_vienna():
    pytest.importorskip("RNA")
    model = folder(prior="vienna", max_epochs=1, lr=1e-6).fit(SEQUENCES, STRUCTURES)
    assert model.score(["GGGGGAAAACCCCC"], ["(((((....)))))"]) == 1.0


def test_vienna_is_asked_for_before_any_work(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "RNA", None)
    with pytest.raises(ImportError, match=r"pip install viennarna"):
        folder(prior="vienna").fit(SEQUENCES, STRUCTURES)
