"""What predicts rows of new groups from a few of theirs, each behind one interface.

``fit(X, y, groups)`` learns from the training groups; ``predict(known, X, groups)`` predicts rows
of new groups, of which ``known`` = (X, y, groups) are given. ``CANDIDATES`` are what tuning chooses
from, a handful for each. X and y come standardised, and the first column of X is the one that an
effect of a group may vary with: a time, or an earlier score. ``shots`` is how many rows of a new
group will be known; ``uses_shots`` says whether ``fit`` depends on it.
"""

import warnings

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.preprocessing import SplineTransformer

from sklearn_reasoning import FewShotReasoningRegressor

N_CUTS = 5  # how often each training group is cut into rows that are known and rows that are not

BOOSTING = tuple(
    {"learning_rate": rate, "max_iter": trees, "max_leaf_nodes": leaves}
    for rate, trees in [(0.1, 50), (0.05, 200)]
    for leaves in (4, 8, 16)
)


def first_rows(groups, shots):
    """Return which rows are among the first ``shots`` of their group."""
    return _rank(groups, np.arange(len(groups))) < shots


def random_rows(groups, shots, rng):
    """Return ``shots`` rows of each group at random, or all but one where it has no more."""
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return _rank(groups, rng.permutation(len(groups))) < np.minimum(shots, sizes - 1)[inverse]


def _rank(groups, order):
    """Return each row's place among the rows of its group, where those are put in an order."""
    _, inverse = np.unique(groups, return_inverse=True)
    ranked = np.lexsort((order, inverse))
    starts = np.r_[0, np.cumsum(np.bincount(inverse))[:-1]]
    rank = np.empty(len(groups), dtype=int)
    rank[ranked] = np.arange(len(groups)) - starts[inverse[ranked]]
    return rank


class Population:
    """Gradient boosting that knows no groups."""

    CANDIDATES, uses_shots = BOOSTING, False

    def __init__(self, shots, **options):
        self.model = HistGradientBoostingRegressor(random_state=0, **options)

    def fit(self, X, y, groups):
        self.model.fit(X, y)
        return self

    def predict(self, known, X, groups):
        return self.model.predict(X)


class OneAGroup:
    """Ridge regression on a group's own rows, and nothing learned from others but its penalty."""

    CANDIDATES = tuple({"alpha": alpha} for alpha in (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0))
    uses_shots = False

    def __init__(self, shots, alpha):
        self.alpha = alpha

    def fit(self, X, y, groups):
        return self

    def predict(self, known, X, groups):
        X_known, y_known, groups_known = known
        predicted = np.empty(len(X))
        for group in np.unique(groups):
            mine, theirs = groups == group, groups_known == group
            ridge = Ridge(self.alpha).fit(X_known[theirs], y_known[theirs])
            predicted[mine] = ridge.predict(X[mine])
        return predicted


class MixedEffects:
    """statsmodels' MixedLM; a new group's effects are their best linear unbiased prediction.

    ``fixed`` is the degree of the first column among the fixed effects, or "spline" for cubic
    splines with five knots; ``random`` is its degree among the effects of a group.
    """

    CANDIDATES = tuple(
        {"fixed": fixed, "random": random}
        for fixed, random in [(1, 0), (1, 1), (2, 1), (2, 2), ("spline", 1), ("spline", 2)]
    )
    uses_shots = False

    def __init__(self, shots, fixed, random):
        self.fixed, self.random = fixed, random

    def fit(self, X, y, groups):
        from statsmodels.regression.mixed_linear_model import MixedLM

        if self.fixed == "spline":
            # Linear beyond the training rows, where a cubic would run away.
            self.splines = SplineTransformer(5, extrapolation="linear").fit(X[:, :1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of variances that are estimated as zero
            model = MixedLM(y, self._fixed(X), groups, self._random(X))
            fitted = model.fit(reml=True)  # bfgs, then lbfgs, then cg
        self.beta = np.asarray(fitted.fe_params)
        self.covariance = np.atleast_2d(np.asarray(fitted.cov_re))
        self.noise = fitted.scale
        return self

    def effects(self, X, y):
        """Return the effects of one group: D Z' (Z D Z' + s I)^{-1} (y - X beta)."""
        Z = self._random(X)
        DZ = self.covariance @ Z.T
        variance = Z @ DZ + self.noise * np.eye(len(Z))
        return DZ @ np.linalg.solve(variance, y - self._fixed(X) @ self.beta)

    def predict(self, known, X, groups):
        X_known, y_known, groups_known = known
        predicted = self._fixed(X) @ self.beta
        Z = self._random(X)
        for group in np.unique(groups):
            mine, theirs = groups == group, groups_known == group
            predicted[mine] += Z[mine] @ self.effects(X_known[theirs], y_known[theirs])
        return predicted

    def _fixed(self, X):
        if self.fixed == "spline":
            return np.hstack([self.splines.transform(X[:, :1]), X[:, 1:]])
        powers = X[:, :1] ** np.arange(self.fixed + 1)
        return np.hstack([powers, X[:, 1:]])

    def _random(self, X):
        return X[:, :1] ** np.arange(self.random + 1)


class BoostingWithMean:
    """Gradient boosting to which the means of a group's known rows are features.

    They are the means of y and of X over those rows. In training each group is cut several times,
    ``cuts`` "random" or "first", which puts the first rows on the known side, as in the tests.
    """

    CANDIDATES = tuple(
        {"cuts": cuts, **options} for cuts in ("random", "first") for options in BOOSTING[::2]
    )
    uses_shots = True

    def __init__(self, shots, cuts, **options):
        self.shots, self.cuts = shots, cuts
        self.model = HistGradientBoostingRegressor(random_state=0, **options)

    def fit(self, X, y, groups):
        rng = np.random.default_rng(0)
        parts, targets = [], []
        for _ in range(1 if self.cuts == "first" else N_CUTS):
            if self.cuts == "first":
                is_known = first_rows(groups, self.shots)
            else:
                is_known = random_rows(groups, self.shots, rng)
            known = X[is_known], y[is_known], groups[is_known]
            has_some = ~is_known & np.isin(groups, known[2])
            parts.append(_with_means(known, X[has_some], groups[has_some]))
            targets.append(y[has_some])
        self.model.fit(np.vstack(parts), np.concatenate(targets))
        return self

    def predict(self, known, X, groups):
        return self.model.predict(_with_means(known, X, groups))


def _with_means(known, X, groups):
    """Return X beside the means of its groups' known rows."""
    X_known, y_known, groups_known = known
    names, inverse = np.unique(groups_known, return_inverse=True)
    values = np.column_stack([y_known, X_known])
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, inverse, values)
    means = sums / np.bincount(inverse)[:, None]
    return np.hstack([X, means[np.searchsorted(names, groups)]])


class FewShot:
    """The package, with its defaults but for the number of shots."""

    CANDIDATES = ({},)
    uses_shots = True

    def __init__(self, shots, n_steps=None, **options):
        self.shots, self.n_steps, self.options = shots, n_steps, options

    def fit(self, X, y, groups):
        options = {"random_state": 0, **self.options}
        if self.n_steps is not None:
            n_batches = -(-len(np.unique(groups)) // 50)
            options["max_epochs"] = max(4, round(self.n_steps / n_batches))
        model = FewShotReasoningRegressor(shots=self.shots, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of groups with a single row
            self.model = model.fit(X, y, groups=groups)
        return self

    def predict(self, known, X, groups):
        return self.model.adapt(*known).predict(X, groups=groups)


class TunedFewShot(FewShot):
    """The package, its cuts and size chosen; on one inner split, where rivals have three."""

    CANDIDATES = tuple(
        {"cut": cut, "weight_decay": 1e-2, "n_steps": 300, **size}
        for cut in ("random", "mixed")
        for size in ({}, {"basis_hidden": 16, "n_basis": 8})
    )
    n_inner_splits = 1


def _with_cut(how):
    options = {"cut": how, "weight_decay": 1e-2, "max_epochs": 100}
    return type("FewShotWithCut", (FewShot,), {"CANDIDATES": (options,)})


CUTS = {f'cut="{how}"': _with_cut(how) for how in ("random", "first", "mixed")}

MODELS = {
    "defaults": FewShot,
    "tuned": TunedFewShot,
    "population": Population,
    "one model a group": OneAGroup,
    "mixed effects": MixedEffects,
    "boosting with the group's mean": BoostingWithMean,
}
