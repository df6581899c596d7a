"""
Folding RNA: pairs that obey the rules
======================================

An RNA molecule folds back on itself: bases pair, A with U, C with G, G with U. Each base has at
most one partner, and a hairpin loop holds at least three bases. A network scores pairs, and what is
predicted is a soft matching of the bases: it obeys these rules after any number of steps.
"""

# %%
# Made-up sequences of one to three hairpins stand for real ones, whose structures somebody measured
# or compared; the guide has figures on those. In half of them the loop of the first hairpin pairs
# with bases behind: a pseudoknot.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_reasoning import HybridReasoningFolder
from sklearn_reasoning.datasets import make_hairpins
from sklearn_reasoning.inspection import StructureDisplay

plain, of_plain = make_hairpins(150, n_hairpins=3, random_state=0)
knotted, of_knotted = make_hairpins(150, n_hairpins=3, pseudoknots=True, random_state=1)
sequences, structures = plain + knotted, of_plain + of_knotted
test = slice(0, None, 6)
is_test = np.isin(np.arange(300), np.arange(300)[test])
train_sequences = [s for s, held_out in zip(sequences, is_test, strict=True) if not held_out]
train_structures = [s for s, held_out in zip(structures, is_test, strict=True) if not held_out]

model = HybridReasoningFolder(
    sequence_channels=32,
    sequence_layers=4,
    pair_channels=32,
    max_epochs=16,
    lr=5e-3,
    random_state=0,
).fit(train_sequences, train_structures)
score = model.score(sequences[test], structures[test])
print(f"F1 of {is_test.sum()} unseen sequences: {score:.3f}")

# %%
# A structure
# -----------
#
# Predicted pairs are arcs above the sequence, those that it was made with arcs below.
display = StructureDisplay.from_estimator(model, sequences[-6], known=structures[-6])
display.ax_.set_title(f"F1 = {display.f1:.2f}")

# %%
# Valid after any number of steps
# -------------------------------
#
# The steps climb a dual function with one multiplier a base. The weights of pairs that belong to
# the multipliers break the rules until they converge; what is returned is divided by what is too
# much, and never does. How far it is from the best weights is certified by the duality gap.
steps = [0, 1, 2, 5, 10, 20, 50, 100, 200]
largest, gaps = [], []
for k in steps:
    proba = model.predict_proba(sequences[test], k)
    largest.append(max(weights.sum(axis=1).max() for weights in proba))
    gaps.append(model.certify(sequences[test], k).gap)
assert max(largest) <= 1.0 + 1e-12

figure, ax = plt.subplots(layout="constrained")
middle, most = np.quantile(gaps, [0.5, 1.0], axis=1)
ax.plot(steps, most, "-o", label="the worst sequence")
ax.plot(steps, middle, ":s", label="half of them are below")
ax.axvline(20, color="0.4", linestyle="--", label="trained with k = 20")
ax.set_xscale("symlog", linthresh=1.0)
ax.set_yscale("log")
ax.set_xlim(left=-0.2)
ax.set_ylim(bottom=1e-8)
ax.set_xlabel("steps k")
ax.set_ylabel("duality gap")
ax.legend()

# %%
# Without pseudoknots
# -------------------
#
# ``pseudoknots=False`` takes the best nested pairs instead, found exactly: the pairs that cross are
# then gone.
nested = model.set_params(pseudoknots=False).predict(sequences[-6:-5])[0]
print(sequences[-6], structures[-6], nested, sep="\n")
