"""Few-shot regression: sinusoids, what it costs, and measured groups beside what one would use.

``--tables`` chooses among:

- ``sinusoids``: 10,000 tasks to train on, made by make_few_shot with one seed; the mean squared
  error on 100 other rows of each of 1,000 unseen tasks, whose first ``shots`` rows are known, after
  k steps, and the CPU seconds of training. ``algorithms``: the same of other algorithms, and
  ``all`` of ``adapt="all"`` with five steps, in five passes each;
- ``costs``: CPU seconds of ``adapt``; memory of training against k;
- ``search``: a batched search over k and shots beside the same fits one by one;
- ``cuts``: the same study with each ``cut`` of training groups, 100 passes and a weight decay of
  0.01;
- ``groups``: new groups held out of measured sets, by five folds, tuned rivals beside defaults.
  The error is in units of the variance of y: mean and standard error over folds, and the paired
  difference to the best rival. A result goes to a file, so a run that was stopped goes on.

Run: python benchmarks/few_shot.py --tables sinusoids all [--sets Milk ...]
``groups`` needs: pip install -e ".[groups,rivals]"
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
import torch
from _few_shot_rivals import CUTS, MODELS
from _few_shot_study import FOLDS, SETS, errors, shots_of
from _memory import peak_bytes
from _timing import interleaved_medians

from sklearn_reasoning import FewShotReasoningRegressor
from sklearn_reasoning.datasets import make_few_shot
from sklearn_reasoning.model_selection import BatchedGridSearchCV

N_TRAINING, N_UNSEEN, N_OTHERS = 10_000, 1000, 100
STEPS = (0, 1, 2, 3, 5, 10, 20, 100)
HELD_STEPS = (1, 10, 100)


def trained(shots, seed=0, **options):
    """Return a model of sinusoids, as many query rows as shots, and the CPU seconds it took."""
    X, y, groups = make_few_shot(N_TRAINING, shots + 10, random_state=seed)
    model = FewShotReasoningRegressor(shots=shots, random_state=seed, **options)
    began = time.process_time()
    model.fit(X, y, groups=groups)
    return model, time.process_time() - began


def unseen(shots):
    """Return known rows and other rows of unseen tasks, each as X, y and groups."""
    X, y, groups = make_few_shot(N_UNSEEN, shots + N_OTHERS, random_state=12345)
    groups = N_TRAINING + groups
    known = np.tile(np.arange(shots + N_OTHERS) < shots, N_UNSEEN)
    return [(X[rows], y[rows], groups[rows]) for rows in (known, ~known)]


def unseen_error(model, shots, k=None):
    known, (X, y, groups) = unseen(shots)
    return np.mean((model.adapt(*known).predict(X, groups=groups, k=k) - y) ** 2)


def print_sinusoids():
    print(_steps_title("trained with nag, k = 10"))
    for shots in (10, 5, 3, 1):
        print(_steps_row(f"{shots} shots", shots), flush=True)


def print_algorithms():
    print(_steps_title("ten shots"))
    for algo, k in [("nag", 10), ("nag", 1), ("gd", 10), ("opt", 10)]:
        options = {"algo": algo, "k": k, "max_epochs": 5}
        print(_steps_row(f"{algo}, k = {k}", 10, **options), flush=True)


def print_all():
    print(_steps_title('adapt="all", hidden sizes 40, 40'))
    options = {"adapt": "all", "k": 5, "basis_hidden": (40, 40), "max_epochs": 5}
    for shots in (10, 5):
        print(_steps_row(f"{shots} shots, k = 5", shots, **options), flush=True)


def _steps_title(name):
    return (
        f"\n| {name} | "
        + " | ".join(f"k = {k}" for k in STEPS)
        + " | CPU s |\n"
        + ("|---|" + "---|" * (len(STEPS) + 1))
    )


def _steps_row(name, shots, **options):
    model, seconds = trained(shots, **options)
    cells = [f"{unseen_error(model, shots, k=k):.2g}" for k in STEPS]
    return f"| {name} | {' | '.join(cells)} | {seconds:.0f} |"


def print_costs():
    X, y, groups = make_few_shot(500, 20, random_state=0)
    model = FewShotReasoningRegressor(max_epochs=2, random_state=0).fit(X, y, groups=groups)
    known, _ = unseen(10)
    seconds = interleaved_medians({"adapt": lambda: model.adapt(*known)}, 7)["adapt"]
    print(f"\nadapt, 1,000 new groups of ten rows: {seconds:.3f} CPU s (median of seven)")
    print(
        "\n| MB that a step of training holds | "
        + " | ".join(f"k = {k}" for k in HELD_STEPS)
        + " |"
    )
    print("|---|" + "---|" * len(HELD_STEPS))
    for options in ({"algo": "gd"}, {"algo": "nag"}, {"algo": "opt"}, {"adapt": "all"}):
        cells = [f"{held(k=k, **options):.1f}" for k in HELD_STEPS]
        print(f"| {' '.join(options.values())} | {' | '.join(cells)} |", flush=True)


def held(**options):
    """Return the most MB that torch holds in a fit of one step, on fifty groups of forty rows."""
    X, y, groups = make_few_shot(50, 40, random_state=0)
    model = FewShotReasoningRegressor(max_epochs=1, random_state=0, **options)
    return peak_bytes(lambda: model.fit(X, y, groups=groups)) / 2**20


def print_search():
    print("\n| 75 fits over k and shots | one by one | batched | times | same bits |")
    print("|---|---|---|---|---|")
    for name, n_tasks, options in [
        ("100 groups, hidden sizes 64, 64", 100, {}),
        ("100 groups, hidden size 16", 100, {"basis_hidden": (16,), "n_basis": 8}),
        ("40 groups, hidden size 16", 40, {"basis_hidden": (16,), "n_basis": 8}),
    ]:
        single, batched, same = searched(n_tasks, options)
        row = f"{single:.1f} | {batched:.1f} | {single / batched:.1f} | {'yes' if same else 'no'}"
        print(f"| {name} | {row} |", flush=True)


def searched(n_tasks, options):
    """Return CPU seconds one by one and batched, and whether the scores are the same bits."""
    from sklearn import config_context
    from sklearn.model_selection import GridSearchCV, GroupKFold

    X, y, groups = make_few_shot(n_tasks, 20, random_state=0)
    grid = {"k": [1, 2, 5, 10, 20], "shots": [2, 5, 10]}
    model = FewShotReasoningRegressor(max_epochs=20, random_state=0, **options)
    results, seconds = [], []
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(groups=True).set_score_request(groups=True, shots=True)
        for search in (GridSearchCV, BatchedGridSearchCV):
            began = time.process_time()
            fitted = search(model, grid, cv=GroupKFold(5), refit=False)
            fitted.fit(X, y, groups=groups, shots=5)
            seconds.append(time.process_time() - began)
            results.append([fitted.cv_results_[f"split{i}_test_score"] for i in range(5)])
    return *seconds, np.array_equal(*results)


def print_cuts(sets, out):
    measured = _studied(sets, CUTS, out)
    print("\n| set | shots | " + " | ".join(CUTS) + " |\n|---|---|" + "---|" * len(CUTS))
    for name in sets:
        for shots in shots_of(name):
            cells = [_of_three(measured[name, str(shots), title][0]) for title in CUTS]
            print(f"| {name} | {shots} | {' | '.join(cells)} |")


def _studied(sets, models, out):
    """Measure what the file lacks, and return what it then holds."""
    known = _measured(out)
    for name in sets:
        all_shots = shots_of(name)
        for title, make in models.items():
            if any((name, str(shots), title) not in known for shots in all_shots):
                found, choices, seconds = errors(name, make, all_shots)
                with out.open("a", newline="") as file:
                    for shots, row, chosen in zip(all_shots, found, choices, strict=True):
                        key = name, str(shots), title
                        known[key] = row, seconds
                        csv.writer(file).writerow([*key, seconds, *row, chosen])
                print(f"{name}, {title}: {seconds:.0f} CPU s a fold", file=sys.stderr, flush=True)
    return known


_OURS = ("defaults", "tuned")


def print_groups(sets, out):
    known = _studied(sets, MODELS, out)
    print("\n| set | shots | " + " | ".join(MODELS) + " | defaults - best other |")
    print("|---|---|" + "---|" * (len(MODELS) + 1))
    for name in sets:
        for shots in shots_of(name):
            rows = {title: known[name, str(shots), title][0] for title in MODELS}
            print(f"| {name} | {shots} | {_cells(rows)} |")


def _cells(rows):
    cells = [_of_three(row) for row in rows.values()]
    best = min((row for title, row in rows.items() if title not in _OURS), key=np.mean)
    return " | ".join([*cells, _of_three(rows["defaults"] - best)])


def _of_three(row):
    return f"{row.mean():.3f} ± {row.std(ddof=1) / FOLDS**0.5:.3f}"


def _measured(out):
    """Return what the file holds: errors of folds, and seconds, by set, shots and model."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if not out.exists():
        return {}
    with out.open(newline="") as file:
        rows = list(csv.reader(file))
    return {tuple(r[:3]): (np.array(r[4 : 4 + FOLDS], dtype=float), float(r[3])) for r in rows}


def main():
    tables = ("sinusoids", "algorithms", "all", "costs", "search", "cuts", "groups")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=tables, default=["sinusoids"])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--out", type=Path, default=Path("build/few_shot.csv"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    prints = {
        "sinusoids": print_sinusoids,
        "algorithms": print_algorithms,
        "all": print_all,
        "costs": print_costs,
        "search": print_search,
        "cuts": lambda: print_cuts(options.sets, options.out),
        "groups": lambda: print_groups(options.sets, options.out),
    }
    for table in options.tables:
        prints[table]()


if __name__ == "__main__":
    main()
