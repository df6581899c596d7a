"""RNA secondary structures on ArchiveII: random splits, unseen families, rules kept, time, memory.

F1 is that of pairs, exactly those of the known structure, the mean over sequences. CPU seconds are
those of one core. Beside ours, where ViennaRNA is installed: RNAfold's least free energy ("mfe")
and its maximum expected accuracy ("mea"). An interval is of 95 %, from 2,000 draws of sequences,
paired where two are compared; that of a mean over folds is Student's.

Parts: "split" (five folds at random, sequences of up to 128 bases; --folds runs fewer), "trna" (the
same of transfer RNA alone), "families" (each of nine families left out, with ViennaRNA's
probabilities as the prior: up to --most sequences of a family, drawn at random, and of them those
of up to 200 bases to train on), "without" (the same families without a prior: a network of the
default size, trained in --epochs passes on up to 150 sequences of each other family of up to 200
bases, and 3 longer ones; also its F1 of other short sequences of those families), "rules" (sums of
rows above 1, and bases in two pairs, after k steps: ours, and the dual's own weights, which nothing
divides), "long" (time and memory at 512 bases).

Run: python benchmarks/rna.py archiveii.csv.gz --parts split --folds 1
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from _memory import peak_bytes
from _vienna import Vienna
from scipy import stats
from threadpoolctl import threadpool_limits

from sklearn_reasoning import HybridReasoningFolder
from sklearn_reasoning.datasets import load_archiveii
from sklearn_reasoning.matching import MatchingLayer
from sklearn_reasoning.rna import allowed_pairs_of_batch, decode_pairs, pair_f1

# Two numbers are learned with a prior, by few passes; longer sequences add nothing to them.
CALIBRATED = {"max_epochs": 3, "lr": 1e-2}
LONGEST_SHORT = 200
# A network learns from these of each family, and is asked about some of those that it has not seen.
SHORT_ONES, LONG_ONES, ASKED_AGAIN = 150, 3, 20


def take(values: Any, which: Any) -> list[Any]:
    return [values[i] for i in which]


def fitted(data: Any, train: Any, **options: Any) -> tuple[HybridReasoningFolder, float]:
    began = time.process_time()
    model = HybridReasoningFolder(random_state=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # hairpins under three are in the data
        model.fit(take(data.sequences, train), take(data.structures, train))
    return model, time.process_time() - began


def f1_of(data: Any, test: Any, predicted: list[Any]) -> Any:
    true = take(data.structures, test)
    return np.array([pair_f1(*both) for both in zip(true, predicted, strict=True)])


def interval(values: Any) -> str:
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def mean_of_folds(of_each: list[float]) -> str:
    """Return the mean over folds, and Student's interval of it."""
    mean, n = np.mean(of_each), len(of_each)
    if n == 1:
        return f"{mean:.3f}"
    low, high = stats.t(n - 1, mean, stats.sem(of_each)).interval(0.95)
    return f"{mean:.3f} ({low:.3f} to {high:.3f})"


def report(name: str, ours: Any, rivals: dict[str, Any], more: str = "") -> None:
    print(f"{name}: n = {len(ours)}, F1 {interval(ours)}{more}", flush=True)
    for rival, theirs in rivals.items():
        print(
            f"    {rival} {theirs.mean():.3f}, ours less it {interval(ours - theirs)}", flush=True
        )


def rivals_of(data: Any, test: Any, vienna: Vienna) -> dict[str, Any]:
    """Return the F1 of RNAfold; nothing without ViennaRNA."""
    if find_spec("RNA") is None:
        return {}
    sequences = take(data.sequences, test)
    vienna.fold(sequences)
    return {
        which: f1_of(data, test, [vienna.pairs(sequence, which) for sequence in sequences])
        for which in ("mfe", "mea")
    }


# ------------------------------------------------------------------ parts


def split(asked: Any, family: str | None = None, **options: Any) -> None:
    data = load_archiveii(asked.path, max_length=128, family=family)
    parts = np.array_split(np.random.default_rng(0).permutation(len(data.sequences)), 5)
    found: dict[str, list[float]] = {}
    for number, test in enumerate(parts[: asked.folds]):
        train = np.concatenate(parts[:number] + parts[number + 1 :])
        model, seconds = fitted(data, train, **options)
        sequences = take(data.sequences, test)
        ours = f1_of(data, test, model.predict_pairs(sequences))
        more, rivals = f", {seconds:.0f} CPU s of training", rivals_of(data, test, asked.vienna)
        for k in (3, 200):
            at_k = f1_of(data, test, model.predict_pairs(sequences, k))
            more += f", {at_k.mean():.3f} at k = {k}"
        report(f"fold {number + 1}", ours, rivals, more)
        for name, values in {"ours": ours, **rivals}.items():
            found.setdefault(name, []).append(values.mean())
    for name, of_each in found.items():
        print(f"mean over folds: {name} {mean_of_folds(of_each)}")


def trna(asked: Any) -> None:
    split(asked, "tRNA", max_epochs=24)


def families(asked: Any) -> None:
    data = load_archiveii(asked.path)
    is_short = short_ones(data)

    def trained(others: list[Any]) -> tuple[HybridReasoningFolder, str]:
        train = np.concatenate([own[: asked.most] for own in others])
        train = train[is_short[train]]
        asked.vienna.fold(take(data.sequences, train))
        model, seconds = fitted(data, train, prior=asked.vienna.prior, **CALIBRATED)
        return model, f", {seconds:.0f} CPU s of training on {len(train)}"

    each_left_out(asked, data, trained)


def without(asked: Any) -> None:
    data = load_archiveii(asked.path)
    is_short = short_ones(data)

    def trained(others: list[Any]) -> tuple[HybridReasoningFolder, str]:
        short = [own[is_short[own]] for own in others]
        long = [own[~is_short[own]][:LONG_ONES] for own in others]
        train = np.concatenate([*(own[:SHORT_ONES] for own in short), *long])
        again = np.concatenate([own[SHORT_ONES : SHORT_ONES + ASKED_AGAIN] for own in short])
        model, seconds = fitted(data, train, max_epochs=asked.epochs)
        seen = f1_of(data, again, model.predict_pairs(take(data.sequences, again)))
        return model, (
            f", {seconds:.0f} CPU s of training on {len(train)}; of their families' other "
            f"sequences, n = {len(again)}, F1 {interval(seen)}"
        )

    each_left_out(asked, data, trained)


def short_ones(data: Any) -> Any:
    return np.array([len(sequence) <= LONGEST_SHORT for sequence in data.sequences])


def each_left_out(asked: Any, data: Any, trained: Callable[[list[Any]], Any]) -> None:
    """Report each family, predicted by what was trained on the sequences of all others."""
    rng = np.random.default_rng(0)
    every = [rng.permutation(np.flatnonzero(data.families == f)) for f in np.unique(data.families)]
    means: dict[str, list[float]] = {}
    for number, own in enumerate(every):
        if asked.only not in (None, data.families[own[0]]):
            continue
        test = own[: asked.most]
        rivals = rivals_of(data, test, asked.vienna)
        model, more = trained(every[:number] + every[number + 1 :])
        ours = f1_of(data, test, model.predict_pairs(take(data.sequences, test)))
        report(data.families[test[0]], ours, rivals, more)
        for name, values in {"ours": ours, **rivals}.items():
            means.setdefault(name, []).append(values.mean())
    for name, values in means.items():
        print(f"mean over families: {name} {np.mean(values):.3f}")


def rules(asked: Any) -> None:
    """Count what breaks the rules: of a trained model, and of scores that ask for far more."""
    data = load_archiveii(asked.path, max_length=128)
    model, _ = fitted(data, np.arange(0, 400), max_epochs=2)
    for more in (0.0, 8.0):
        with torch.no_grad():
            model.module_.network.last.bias.add_(more)
        print(f"logits {more:+g}, 100 sequences: k, ours (rows, bases), undivided (rows, bases)")
        for k in (1, 3, 20, 200):
            counts = np.zeros(4, dtype=int)
            for sequence in data.sequences[1000:1100]:
                ours = model.predict_proba([sequence], k)[0]
                counts[:2] += broken(ours)
                counts[2:] += broken(undivided(model, sequence, k))
                pairs = decode_pairs(ours)
                assert len(np.unique(pairs)) == pairs.size
            print(f"    {k}: {counts[:2].tolist()}, {counts[2:].tolist()}", flush=True)


def undivided(model: HybridReasoningFolder, sequence: str, k: int) -> Any:
    codes = torch.tensor([["ACGU".index(base) for base in sequence]])
    with torch.no_grad():
        energy, _ = model.module_.scored(codes, allowed_pairs_of_batch(codes), None)
        return energy.pairing(MatchingLayer(model.algo).multipliers(energy, k))[0].numpy()


def broken(weights: Any) -> list[int]:
    """Return how many rows have a sum above 1, and how many bases two weights above one half."""
    return [
        int((weights.sum(axis=1) > 1.0 + 1e-6).sum()),
        int(((weights > 0.5).sum(axis=1) > 1).sum()),
    ]


def long(asked: Any) -> None:
    data = load_archiveii(asked.path, max_length=64)
    model, _ = fitted(data, np.arange(40), max_epochs=1)
    rng = np.random.default_rng(0)
    sequence = "".join(rng.choice(list("ACGU"), 512))
    seconds = []
    for _ in range(5):
        began = time.process_time()
        model.predict([sequence])
        seconds.append(time.process_time() - began)
    peak = peak_bytes(lambda: model.predict_proba([sequence])) / 2**20
    print(f"512 bases: {np.median(seconds):.2f} CPU s, {peak:.0f} MiB held by torch at the most")


PARTS: dict[str, Callable[[Any], None]] = {
    "split": split,
    "trna": trna,
    "families": families,
    "without": without,
    "rules": rules,
    "long": long,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", help="ArchiveII, as load_archiveii takes it")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--folds", type=int, default=5, help="of the random splits; default 5")
    parser.add_argument("--most", type=int, default=40, help="sequences of a family; default 40")
    parser.add_argument("--only", help="the one family that is left out; default each in turn")
    parser.add_argument("--epochs", type=int, default=12, help='of "without"; default 12')
    parser.add_argument("--cache", help="npz file, where folds of ViennaRNA are kept")
    options = parser.parse_args()
    if options.path is None:
        print("Without the path of ArchiveII there is nothing to measure.")
        return
    options.vienna = Vienna(options.cache)
    with threadpool_limits(1):
        for part in options.parts:
            print(f"== {part}")
            PARTS[part](options)


if __name__ == "__main__":
    main()
