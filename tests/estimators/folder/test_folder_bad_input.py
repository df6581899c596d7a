"""What is wrong is named, by its index, before any training."""

import copy

import numpy as np
import pandas as pd
import pytest
from estimators.folder._small_folders import FEW, FEW_STRUCTURES, folder
from sklearn.exceptions import NotFittedError

GOOD = "GGGGAAAACCCC"


@pytest.mark.parametrize(
    ("sequences", "structures", "error", "message"),
    [
        ([GOOD, "GGXG"], ["." * 12, "...."], ValueError, r"sequences\[1\] has 'X' at position 2"),
        ([GOOD, ""], ["." * 12, ""], ValueError, r"sequences\[1\] is empty"),
        ([GOOD, 5], ["." * 12, ""], TypeError, r"sequences\[1\] is a int"),
        ([GOOD, None], ["." * 12, ""], TypeError, r"sequences\[1\] is a NoneType"),
        ([GOOD, "ACGU"], ["." * 12, "(..."], ValueError, r"structures\[1\]: '\(' at position 0"),
        ([GOOD, "ACGU"], ["." * 12, "..."], ValueError, r"structures\[1\]: has 3 letters"),
        ([GOOD], [[[0, 11], [0, 10]]], ValueError, r"structures\[0\]: the base 0 is paired twice"),
        ([GOOD], [[[0, 12]]], ValueError, r"structures\[0\]: the pair \(0, 12\) does not"),
        ([GOOD], [[[11, 0]]], ValueError, r"structures\[0\]: the pair \(11, 0\) does not"),
        ([GOOD], [3.5], ValueError, r"structures\[0\]: pairs must be whole numbers"),
        ([GOOD], np.array([7]), TypeError, "structures holds a whole number for each sequence"),
        ([GOOD], [[[0.0, 10.5]]], ValueError, r"structures\[0\]: pairs must be .* got float64"),
        ([GOOD, GOOD], ["." * 12], ValueError, "There are 2 sequences and 1 structures"),
        (GOOD, "." * 12, TypeError, "sequences is a single string"),
        ([GOOD], "." * 12, TypeError, "structures is a single string"),
        ([], [], ValueError, "sequences is empty"),
        (7, ["."], TypeError, "sequences is a int"),
        (np.array([[GOOD]]), ["." * 12], ValueError, r"sequences of shape \(1, 1\)"),
        (pd.DataFrame({"s": [GOOD]}), ["." * 12], TypeError, "table with columns"),
    ],
)
def test_wrong_data(sequences, structures, error, message):
    with pytest.raises(error, match=message):
        folder().fit(sequences, structures)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"algo": "cg"}, "algo"),
        ({"k": -1}, "k"),
        ({"k": True}, "k=True must be a number"),
        ({"sequence_channels": 0}, "sequence_channels"),
        ({"prior": "physics"}, "prior"),
        ({"learned": "nothing"}, "learned"),
        ({"learned": "calibration"}, "learned='calibration' is that of a prior"),
        ({"unknown_letters": "maybe"}, "unknown_letters"),
        ({"lr": 0.0}, "lr"),
        ({"bucket": 0}, "bucket"),
        ({"max_epochs": 0}, "max_epochs"),
        ({"device": "nowhere"}, "device"),
        ({"callbacks": [3]}, "callbacks"),
        ({"early_stopping": True, "validation_fraction": 0.999}, "early_stopping"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        folder(**parameters).fit(FEW, FEW_STRUCTURES)


@pytest.fixture(scope="module")
def fitted():
    return folder().fit(FEW, FEW_STRUCTURES)


def test_letters_that_are_not_known(fitted):
    with pytest.raises(ValueError, match=r"sequences\[0\] has 'N' at position 1"):
        folder(unknown_letters="refuse").fit(["GNGGAAAACCCC"], ["(((.....)))."])
    assert 1 not in fitted.predict_pairs(["GNGGAAAACCCC"])[0]


def test_pairs_that_are_not_allowed_leave_the_loss_with_one_warning():
    sequences, structures = ["GGAACC", GOOD], [[[0, 5], [1, 4]], [[0, 11], [1, 6]]]
    with pytest.warns(UserWarning, match="2 pairs in 2 structures are not learned") as caught:
        model = folder(max_epochs=1).fit(sequences, structures)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    clean = folder(max_epochs=1).fit(sequences, [[[0, 5]], [[0, 11]]])
    np.testing.assert_array_equal(model.predict_proba([GOOD])[0], clean.predict_proba([GOOD])[0])


@pytest.mark.parametrize(
    "method", ["predict", "predict_pairs", "predict_proba", "certify", "score"]
)
def test_not_fitted(method):
    arguments = (FEW, FEW_STRUCTURES) if method == "score" else (FEW,)
    with pytest.raises(NotFittedError):
        getattr(folder(), method)(*arguments)


@pytest.mark.parametrize(
    ("k", "error"), [(-1, ValueError), (2.5, TypeError), ("5", TypeError), (True, TypeError)]
)
def test_wrong_k(k, error, fitted):
    for method in (fitted.predict, fitted.predict_proba, fitted.certify):
        with pytest.raises(error, match="k="):
            method(FEW, k)


@pytest.mark.parametrize(
    "parameter", [{"pseudoknots": "no"}, {"unknown_letters": "maybe"}, {"prior": "physics"}]
)
def test_parameters_that_predictions_read_are_checked_there(parameter, fitted):
    model = copy.copy(fitted).set_params(**parameter)
    for method in (model.predict, model.predict_pairs, model.predict_proba, model.certify):
        with pytest.raises(ValueError, match=f"The '{next(iter(parameter))}' parameter of"):
            method(FEW)
    with pytest.raises(ValueError, match=f"The '{next(iter(parameter))}' parameter of"):
        model.score(FEW, FEW_STRUCTURES)


def test_a_failed_fit_leaves_the_estimator_as_it_was(fitted):
    before = fitted.predict(FEW)
    with pytest.raises(ValueError, match="is empty"):
        fitted.fit([""], [""])
    assert fitted.predict(FEW) == before


def test_a_prior_cannot_come_or_go_after_fit():
    def even(sequence):
        return np.full((len(sequence), len(sequence)), 0.1)

    for before, after in ((None, even), (even, None)):
        model = folder(prior=before, max_epochs=1).fit(FEW, FEW_STRUCTURES)
        model.set_params(prior=after)
        with pytest.raises(ValueError, match="prior="):
            model.predict(FEW)
