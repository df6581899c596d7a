"""What a user relies on of a coupling that classes do not share."""

import numpy as np
import pytest
import torch
from estimators.classifier._small_classifiers import cells_of, classifier, features, flat, same_bits


def test_it_begins_with_equal_classes_that_repel_each_other():
    X = features()
    model = classifier(coupling="full", lr=1e-12, max_epochs=1).fit(X, cells_of(X))
    found = model.coupling_.reshape(2, 3, 2, 3)
    for one in range(3):
        for other in range(3):
            between = found[0, one, 1, other]
            assert between > 1e-3 if one == other else abs(between) < 1e-6


def test_classes_in_any_order_are_one_problem_to_a_coupling_that_they_share():
    X = features()

    def fits(coupling):
        return [
            classifier(coupling=coupling, permute_classes=value).fit(X, cells_of(X))
            for value in (False, True)
        ]

    plain, permuted = (flat(model.predict_proba(X)) for model in fits("classwise"))
    np.testing.assert_allclose(plain, permuted, atol=1e-8)
    assert not same_bits(*fits("full"), X)


def test_exchangeable_classes_get_couplings_that_are_alike():
    rng = np.random.default_rng(0)
    # Permutations of three digits, of which two are given; two of the six are unseen.
    y = np.array([p for p in ([0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1]) for _ in range(25)])
    y = y[rng.permutation(len(y))]
    X = np.eye(3)[y]
    X[:, 2] = 0.0
    unseen = np.array([[1, 0, 2], [2, 1, 0]])
    X_unseen = np.eye(3)[unseen]
    X_unseen[:, 2] = 0.0
    options = {"perception": "per_cell", "coupling": "full", "max_epochs": 50, "k": 12}
    options |= {"batch_size": 20, "lr_schedule": "one_cycle", "predict_k": 200}
    model = classifier(permute_classes=True, **options).fit(X.reshape(100, 9), y)
    assert model.score(X.reshape(100, 9), y) == 1.0
    assert model.score(X_unseen.reshape(2, 9), unseen) == 1.0


def test_the_order_follows_from_the_seed_and_leaves_global_states_alone():
    X = features()
    before = torch.random.get_rng_state()
    fits = [
        classifier(coupling="full", permute_classes=True, batch_size=8).fit(X, cells_of(X))
        for _ in range(2)
    ]
    assert same_bits(*fits, X)
    assert (torch.random.get_rng_state() == before).all()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[0, 1], [1, 0]], "labels that are there or not"),
        ([["a", "c"], ["b", "d"]], r"column 0 of y never holds \['c', 'd'\]"),
        ([[1, 2], [2, 2]], r"column 1 of y never holds \[1\], which others do"),
    ],
)
def test_cells_without_the_same_classes_are_not_permuted(y, message):
    with pytest.raises(ValueError, match=f"permute_classes=True.*{message}"):
        classifier(permute_classes=True).fit(features(), np.array(y * 20))


@pytest.mark.parametrize("y", [np.ones(40, int), np.full((40, 2), "a")])
def test_one_class_is_in_order_already(y):
    model = classifier(permute_classes=True).fit(features(), y)
    assert (model.predict(features()) == y).all()


def test_classes_that_a_cell_does_not_have_are_no_part_of_it():
    X = features()
    y = cells_of(X, 3) + np.array([0, 2, 4])
    model = classifier(coupling="full", lr=0.05).fit(X, y)
    Q, _ = model.predict_energy(X[:1])
    found = model.coupling_
    assert found.shape == Q.shape[1:] == (9, 9)
    L = np.linalg.norm(found, 2)
    np.testing.assert_allclose(Q[0], found - model.concavity_ * L * np.eye(9), atol=1e-12)
