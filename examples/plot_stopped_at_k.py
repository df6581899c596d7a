"""
Trained to be stopped at k
==========================

A model that was trained with k steps predicts with any other number of steps: ``k=`` of ``predict``
runs the same energies for longer or shorter. Should one run them to the end? Where b is given it
may help. Where b is learned and k is small it does a little harm: such an energy was trained for
k steps.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import mean_l2_loss

steps = np.unique(np.geomspace(1, 100, 16).astype(int))


def draw(ax, models, X_test, y_test):
    """Draw the loss on new rows against the k of the prediction; dots mark the trained k."""
    for model in models:
        losses = {k: mean_l2_loss(y_test, model.predict(X_test, k=k)) for k in {*steps, model.k}}
        ks = sorted(losses)
        (line,) = ax.semilogx(ks, [losses[k] for k in ks], label=f"trained with k = {model.k}")
        ax.plot(model.k, losses[model.k], "o", color=line.get_color())
        print(
            f"Trained with k = {model.k:2}: loss {losses[model.k]:5.2f} at its own k, "
            f"{losses[100]:5.2f} at k = 100; the best k is {min(losses, key=losses.get)}."
        )
    ax.set(xlabel="k of the prediction", ylabel="mean l2 loss on new rows")
    ax.legend()


# %%
# First the paper's problem, in which b and the eigenvectors of Q are columns of X. Two steps of
# gradient descent cannot reach the answers, and the model does much better when it is run on.
# Training with 20 steps is better than running on with 20: only then could the energy be fitted to
# the answers.
X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)
given = [
    HybridReasoningRegressor(
        "gd", k=k, linear_term="given", rotation="given", max_epochs=60, random_state=0
    ).fit(X, y)
    for k in (2, 5, 20)
]
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
draw(ax, given, problem.X[:2000], problem.y[:2000])
ax.set_title("b given")
plt.show()

# %%
# Then plain regression, six measurements of a wine to the other seven. The steps begin at the mean
# of y, and b makes up for those that are missing: the energy has its answer near the trained k, and
# its minimiser beyond it. Run to the end, the model of two steps loses 7 per cent, and those of 5
# and 20 hardly anything. Two steps would suit them best, by 1 per cent: fewer steps stay closer to
# the mean.
wine = StandardScaler().fit_transform(load_wine().data)
W_train, W_test, v_train, v_test = train_test_split(wine[:, :6], wine[:, 6:], random_state=0)
learned = [
    HybridReasoningRegressor("gd", k=k, max_epochs=40, random_state=0).fit(W_train, v_train)
    for k in (2, 5, 20)
]
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
draw(ax, learned, W_test, v_test)
ax.set_title("b learned")
plt.show()

# %%
# How much of the way to the minimiser is left at the trained k is certified. The less it is, the
# less another k can change.
for name, models in (("given", given), ("learned", learned)):
    for model in models:
        left_over = float(model.certify().convergence.certified)
        print(f"b {name:7} k = {model.k:2}: at most {left_over:.0%} of the way is left")
