"""
Hundreds of models at a time
============================

``BatchedGridSearchCV`` is a ``GridSearchCV`` that trains up to 256 fits as one tensor program.
Fits that differ in k, learning rate, weight decay, seed or fold share a stack, so a fine grid
over these costs little more than a coarse one. The scores are the same to the last bit.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import BatchedGridSearchCV, gap_table, l2_loss_scorer

X, y = make_quadratic_reasoning(n_samples=60, random_state=0)
model = HybridReasoningRegressor(
    linear_term="given", rotation="given", max_epochs=30, random_state=0
)
grid = {"k": [1, 2, 3, 4, 6, 8, 12, 16], "lr": list(np.geomspace(1e-3, 3e-1, 7))}
options = {"scoring": l2_loss_scorer, "cv": 3, "return_train_score": True}
search = BatchedGridSearchCV(model, grid, **options).fit(X, y)
print(f"{len(search.cv_results_['params'])} candidates, {search.n_splits_} folds.")

# %%
# Held-out loss and gap of all candidates. Too small a rate fits too little in 30 epochs, whatever k
# is, and too large a one spoils the deep models. The gap is largest where most is learned.
table = gap_table(search)
shape = len(grid["k"]), len(grid["lr"])
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, column in zip(axes, ("held_out_loss", "gap"), strict=True):
    image = ax.imshow(table[column].reshape(shape), origin="lower", aspect="auto")
    ax.set(title=column.replace("_", " "), xlabel="learning rate", ylabel="k")
    ax.set_xticks(range(shape[1]), [f"{rate:.3f}" for rate in grid["lr"]], rotation=60)
    ax.set_yticks(range(shape[0]), grid["k"])
    figure.colorbar(image, ax=ax)
best = np.unravel_index(table["held_out_loss"].argmin(), shape)
axes[0].plot(best[1], best[0], "r*", markersize=14)
plt.show()
print(f"Best (the star): k = {grid['k'][best[0]]}, lr = {grid['lr'][best[1]]:.3f}.")

# %%
# The contract, on a part of the grid: scikit-learn's own search, one fit after another, returns
# the same numbers to the last bit.
part = {"k": grid["k"][1::5], "lr": grid["lr"][4:5]}
plain = GridSearchCV(model, part, **options).fit(X, y)
batched = BatchedGridSearchCV(model, part, **options).fit(X, y)
same = np.array_equal(plain.cv_results_["mean_test_score"], batched.cv_results_["mean_test_score"])
print("GridSearchCV and BatchedGridSearchCV agree to the last bit:", same)
assert same
