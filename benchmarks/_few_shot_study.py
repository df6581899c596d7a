"""Measured groups: new ones held out, a few of their rows known, and the rest to be predicted."""

import time

import numpy as np
from _few_shot_rivals import first_rows
from sklearn.model_selection import GroupKFold

from sklearn_reasoning.datasets import load_groups

SETS = ["wages", "dietox", "Milk", "ChickWeight", "Exam", "Chem97"]
FOLDS, INNER_FOLDS = 5, 3
# Drawn at random: MixedLM is slow on many groups.
MOST_GROUPS = {"wages": 100, "Chem97": 300}


def loaded(name):
    """Return X, y and groups of a set, of which some are left out where there are many."""
    data = load_groups(name)
    X, y, groups = data.data, data.target, data.groups
    names = np.unique(groups)
    n_kept = min(MOST_GROUPS.get(name, len(names)), len(names))
    kept = np.isin(groups, np.random.default_rng(0).permutation(names)[:n_kept])
    return X[kept], y[kept], groups[kept]


def shots_of(name):
    """Return the numbers of known rows: three, and half the median of a group's rows."""
    _, sizes = np.unique(loaded(name)[2], return_counts=True)
    return sorted({3, int(np.median(sizes)) // 2})


def squared_error(model, X, y, groups, shots):
    """Return the mean squared error on all rows of new groups but the first ``shots`` of each."""
    is_known = first_rows(groups, shots)
    known = X[is_known], y[is_known], groups[is_known]
    predicted = model.predict(known, X[~is_known], groups[~is_known])
    return np.mean((predicted - y[~is_known]) ** 2)


def chosen(make, X, y, groups, all_shots):
    """Return of each number of shots the candidate with the least error on held-out groups."""
    errors = np.zeros((len(make.CANDIDATES), len(all_shots)))
    if len(errors) > 1:
        splits = list(GroupKFold(INNER_FOLDS).split(X, y, groups))
        for train, test in splits[: getattr(make, "n_inner_splits", INNER_FOLDS)]:
            for i, candidate in enumerate(make.CANDIDATES):
                held_out = X[test], y[test], groups[test]
                models = fitted(make, candidate, X[train], y[train], groups[train], all_shots)
                errors[i] += [
                    np.inf if model is None else squared_error(model, *held_out, shots)
                    for model, shots in zip(models, all_shots, strict=True)
                ]
    return [make.CANDIDATES[i] for i in np.argmin(errors, axis=0)]


def fitted(make, candidate, X, y, groups, all_shots):
    """Return a model for each number of shots, the same one where the fit does not depend on it.

    None stands for a model that could not be fitted.
    """
    try:
        if make.uses_shots:
            return [make(shots, **candidate).fit(X, y, groups) for shots in all_shots]
        return [make(all_shots[0], **candidate).fit(X, y, groups)] * len(all_shots)
    except np.linalg.LinAlgError:
        return [None] * len(all_shots)


def errors(name, make, all_shots):
    """Return errors in units of the variance of y, of shape (shots, folds), choices and seconds.

    The choices have the same shape; the seconds are those of tuning and fitting, a fold.
    """
    X, y, groups = loaded(name)
    of_folds, choices, seconds = [], [], 0.0
    splits = GroupKFold(FOLDS, shuffle=True, random_state=0).split(X, y, groups)
    for train, test in splits:
        center, scale = X[train].mean(axis=0), X[train].std(axis=0)
        X_fold = (X - center) / np.where(scale > 0, scale, 1.0)
        y_fold = (y - y[train].mean()) / y[train].std()
        arrays = X_fold[train], y_fold[train], groups[train]
        began = time.process_time()
        best = chosen(make, *arrays, all_shots)
        models = [
            fitted(make, choice, *arrays, [shots])[0]
            for choice, shots in zip(best, all_shots, strict=True)
        ]
        seconds += (time.process_time() - began) / FOLDS
        unit = y[train].var() / y.var()
        held_out = X_fold[test], y_fold[test], groups[test]
        of_folds.append(
            [
                unit * squared_error(model, *held_out, shots)
                for model, shots in zip(models, all_shots, strict=True)
            ]
        )
        choices.append(best)
    return np.transpose(of_folds), [list(row) for row in zip(*choices, strict=True)], seconds
