"""A fit over groups gives the same bits whatever the program around it has set for itself."""

import numpy as np
import pytest
from _ambient import USUAL
from estimators.few_shot._small_groups import SMALL, make_lines

from sklearn_reasoning import FewShotReasoningRegressor


@pytest.mark.parametrize("ambient", USUAL)
@pytest.mark.parametrize("adapt", ["head", "all"])
def test_the_bits_do_not_depend_on_the_ambient(adapt, ambient):
    X, y, groups = make_lines(8, 6)
    options = SMALL | {"adapt": adapt, "k": 2, "max_epochs": 2, "early_stopping": True}

    def answers():
        model = FewShotReasoningRegressor(**options).fit(X.astype(np.float32), y, groups)
        new = model.adapt(X[:3], y[:3], ["new"] * 3)
        return new.predict(X, ["new"] * len(X)), new.predict(X, groups, k=1)

    expected = answers()
    with USUAL[ambient]():
        np.testing.assert_array_equal(answers(), expected)
