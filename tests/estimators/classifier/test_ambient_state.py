"""A fit of the classifier gives the same bits whatever the program around it has set for itself."""

import numpy as np
import pytest
from _ambient import USUAL
from estimators.classifier._small_classifiers import cells_of, classifier, features, same_bits

SETTINGS = {
    "joint": {"algo": "nag", "concavity": 0},
    "per_cell": {"coupling": "full", "permute_classes": True, "input_noise": 0.3},
    "per_cell_image": {"early_stopping": True},
}


@pytest.mark.parametrize("ambient", USUAL)
@pytest.mark.parametrize("perception", SETTINGS)
def test_the_bits_do_not_depend_on_the_ambient(perception, ambient):
    X = features(m=8)

    def fitted():
        return classifier(perception=perception, **SETTINGS[perception]).fit(X, cells_of(X))

    expected = fitted()
    answers = expected.predict(X, n_restarts=2)
    with USUAL[ambient]():
        found = fitted()
        np.testing.assert_array_equal(found.predict(X, n_restarts=2), answers)
    assert same_bits(found, expected, X)
