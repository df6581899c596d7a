"""
Sudoku: rules learned from solved boards
========================================

A board of Sudoku has 81 cells of nine digits each. What goes together is not told to the model: it
has one coupling of the cells, the same for all digits, and learns it from solved boards. The energy
is 1/2 y'Qy - evidence'y, where y holds a distribution over the digits for each cell, Q is the
coupling, and the evidence comes from the given digits.
"""

# %%
# Two thousand boards to learn from, 200 others to test with, all with 31 to 42 given digits. X has
# nine columns a cell, with a 1 at the digit that is given and zeros in an empty cell; y is the
# solution. ``perception="per_cell"`` says that one network reads every cell; a small one will do,
# since a given digit is written out. Ten epochs are enough for a picture.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_reasoning import HybridReasoningClassifier
from sklearn_reasoning.datasets import make_sudoku
from sklearn_reasoning.inspection import StepsDisplay

X, y = make_sudoku(2200, random_state=0)
train, test = slice(2000), slice(2000, None)
model = HybridReasoningClassifier(
    perception="per_cell",
    perception_hidden=20,
    k=24,
    predict_k=200,
    max_epochs=10,
    random_state=0,
).fit(X[train], y[train])

# %%
# What was learned
# ----------------
#
# Two cells that share a row, a column or a box must not hold the same digit: 810 of the 3,240 pairs
# of cells are in conflict. Nobody said so. The learned coupling is compared with those rules: for a
# positive entry of ``coupling_`` equal digits in the two cells cost energy.
cell = np.arange(81)
row, column = divmod(cell, 9)
box = 3 * (row // 3) + column // 3
conflicts = np.zeros((81, 81), dtype=bool)
for unit in (row, column, box):
    conflicts |= unit[:, None] == unit
conflicts &= ~np.eye(81, dtype=bool)
pairs = np.triu_indices(81, k=1)
learned, is_conflict = model.coupling_[pairs], conflicts[pairs]
threshold = np.sort(learned)[-is_conflict.sum()]
found = learned >= threshold
print(f"conflicts in the rules: {is_conflict.sum()} of {len(learned)} pairs")
print(f"of the {found.sum()} strongest couplings, in the rules: {(found & is_conflict).sum()}")
print(f"conflicts: {learned[is_conflict].min():.2f} to {learned[is_conflict].max():.2f}")
print(f"other pairs: {learned[~is_conflict].min():.2f} to {learned[~is_conflict].max():.2f}")

figure, axes = plt.subplots(1, 3, figsize=(11, 4.0), layout="constrained")
shown = np.where(np.eye(81, dtype=bool), np.nan, model.coupling_)
left = axes[0].imshow(shown, cmap="Greys", vmin=0.0)
figure.colorbar(left, ax=axes[0], shrink=0.8)
axes[0].set_title("learned: A'A off its diagonal")
axes[1].imshow(conflicts, cmap="Greys")
axes[1].set_title("rules: pairs in conflict")
# The couplings of one cell, the middle of the board, where they are on the board.
axes[2].imshow(shown[40].reshape(9, 9), cmap="Greys", vmin=0.0)
axes[2].set_title("learned: the cell in the middle")
for ax in axes[:2]:
    ax.set(xlabel="cell", ylabel="cell")
for line in (2.5, 5.5):
    axes[2].axhline(line, color="C0", linewidth=0.8)
    axes[2].axvline(line, color="C0", linewidth=0.8)
axes[2].set(xticks=[], yticks=[])
plt.show()

# %%
# Trained with few steps, used with many
# --------------------------------------
#
# Training took 24 steps, which are not enough to solve a board. They are enough to learn from: with
# more steps of the same energy boards are solved, and the median board does not move any more.
display = StepsDisplay.from_estimator(model, X[test], y[test], k=200)
for k in (0, 24, 50, 100, 200):
    print(
        f"k = {k:3}: {display.rows_right[k]:6.1%} of the boards, "
        f"{display.cells_right[k]:6.1%} of the cells; movement {display.median_movement[k]:.0e}"
    )
plt.show()

# %%
# Restarts by guessing
# --------------------
#
# Boards with fewer givens are harder than those of the training: on some of them the steps end with
# cells that are undecided. A restart guesses one such cell and minimises again, and the answer with
# the lowest energy is kept. Boards that are decided take no more steps.
X_hard, y_hard = make_sudoku(60, n_givens=(17, 30), random_state=1)
givens = X_hard.reshape(60, 81, 9).any(axis=2).sum(axis=1)
print(f"{givens.mean():.1f} givens in the mean, {givens.min()} to {givens.max()}")
for n_restarts in (0, 5, 20):
    answers = model.predict(X_hard, k=500, n_restarts=n_restarts, random_state=0)
    solved = (answers == y_hard).all(axis=1).mean()
    print(f"{n_restarts:2} restarts: {solved:.0%} of the hard boards")

# %%
# The same with images of digits in the place of symbols, and a picture of a board from its pixels
# to its solution: ``sklearn-reasoning demo sudoku``.
