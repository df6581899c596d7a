"""What stands for no label, and what is said where it is not declared."""

import numpy as np
import pandas as pd
import pytest
from estimators.classifier._small_classifiers import cells_of, classifier, features

NOTHING = [np.nan, None, pd.NA, pd.NaT, float("nan")]


@pytest.fixture(scope="module")
def of_numbers():
    """Labels of which every third is -1, and a classifier that leaves these out."""
    X, known = features(), cells_of(features())
    numbers = np.where(np.arange(len(X)) % 3 == 0, -1, known[:, 0])
    codes = np.stack([numbers, known[:, 1]], axis=1)
    return codes, classifier(missing_label=-1).fit(X, codes)


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
@pytest.mark.parametrize("missing_label", [np.nan, pd.NA], ids=repr)
def test_nan_stands_for_all_that_says_nothing(nothing, missing_label, of_numbers):
    X, known = features(), cells_of(features())
    words = np.array(["ant", "bee", "cow"], dtype=object)[known]
    words[::3, 0] = nothing
    model = classifier(missing_label=missing_label).fit(X, words)
    codes, expected = of_numbers
    assert [own.tolist() for own in model.classes_] == [["ant", "bee", "cow"]] * 2
    np.testing.assert_array_equal(
        model.module_.coupling.detach(), expected.module_.coupling.detach()
    )
    assert model.cell_accuracy(X, words) == expected.cell_accuracy(X, codes)


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
@pytest.mark.parametrize("missing_label", [None, "?"])
def test_nothing_that_is_not_declared_is_named(nothing, missing_label):
    words = np.array(["ant", "bee", "cow"], dtype=object)[cells_of(features())]
    words[5, 1] = nothing
    with pytest.raises(ValueError, match=r"missing_label=np\.nan leaves such labels out"):
        classifier(missing_label=missing_label).fit(features(), words)


def test_text_beside_numbers_is_named():
    y = cells_of(features()).astype(object)
    y[:, 1] = [f"grade {value}" for value in y[:, 1]]
    with pytest.raises(ValueError, match=r"mixes labels .* y.astype\(str\)"):
        classifier().fit(features(), y)
    assert classifier().fit(features(), y.astype(str)).n_outputs_ == 2


@pytest.mark.parametrize("several", [[-1], (-1, 0), {-1}, np.array([-1])], ids=repr)
def test_several_missing_labels_are_refused(several):
    with pytest.raises(TypeError, match=r"missing_label=.* must be a single label"):
        classifier(missing_label=several).fit(features(), cells_of(features()))


@pytest.mark.parametrize(
    ("predict_k", "error"),
    [
        ("conv", ValueError),
        ("5", ValueError),
        (2.5, TypeError),
        (True, TypeError),
        (-3, ValueError),
    ],
)
def test_predict_k_that_is_set_after_fit_is_checked(predict_k, error):
    model = classifier().fit(features(), cells_of(features()))
    with pytest.raises(error, match="predict_k="):
        model.set_params(predict_k=predict_k).predict(features())
