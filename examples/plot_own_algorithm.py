"""
Add an algorithm of your own
============================

An algorithm is a recurrence. Write it down once, and its layer, its residual polynomial, its
certificates, its gap curves and its place in a search follow. Here it is the triple momentum
method of Van Scoy, Freeman and Lynch (2018). The guide :doc:`/add-an-algorithm` explains each
line.
"""

import matplotlib.pyplot as plt

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.inspection import AlgorithmPropertiesDisplay, ResidualPolynomialDisplay
from sklearn_reasoning.model_selection import (
    BatchedGridSearchCV,
    GeneralizationGapDisplay,
    l2_loss_scorer,
)
from sklearn_reasoning.testing import check_algorithm


class TripleMomentum(Algorithm):
    """Gradient steps of size (1 + rho) phi, with two kinds of momentum; rho = 1 - sqrt(mu phi)."""

    name = "triple_momentum"

    def start(self, y, problem):
        """Begin at rest."""
        return y, y

    def step(self, state, problem, phi):
        """Take the gradient a little ahead, and move on from the last iterate."""
        y, y_before = state
        rho = 1.0 - (problem.mu * phi) ** 0.5
        move = y - y_before
        ahead = y + rho**2 / ((1.0 + rho) * (2.0 - rho)) * move
        kept = y + rho**2 / (2.0 - rho) * move
        return problem.descend(ahead, (1.0 + rho) * phi, push=kept - ahead), y

    def stable_region(self, mu, L):
        """Return the step sizes up to 1/L, for which the guide has the proof."""
        return 0.01 / L, 1.0 / L


check_algorithm(TripleMomentum())
print("TripleMomentum keeps the contract of an algorithm.")

# %%
# Its polynomial, and its properties beside those of the algorithms that come with the package.
mine = TripleMomentum()
figure, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
ResidualPolynomialDisplay.from_algorithms(["nag", mine], k=8, mu=0.05, L=1.0, ax=ax)
display = AlgorithmPropertiesDisplay.from_algorithms(
    ["gd", "nag", mine], k=range(1, 31), mu=0.05, L=1.0
)
display.figure_.set_size_inches(9, 6)
plt.show()
for curve in display.curves:
    below = curve.k[curve.convergence.certified < 0.01]
    steps = f"from k = {below[0]}" if len(below) else "at no k up to 30"
    print(f"{curve.label:16} leaves less than 1 % of the distance {steps}")

# %%
# In an estimator it is ``algo=TripleMomentum()``; the step size is trained inside the stable
# region. A search takes instances beside names.
X, y = make_quadratic_reasoning(n_samples=60, random_state=0)
search = BatchedGridSearchCV(
    HybridReasoningRegressor(linear_term="given", rotation="given", max_epochs=50, random_state=0),
    {"algo": ["nag", mine], "k": [1, 2, 4, 8]},
    scoring=l2_loss_scorer,
    return_train_score=True,
    cv=3,
).fit(X, y)
display = GeneralizationGapDisplay.from_search(search, kind="losses")
display.figure_.set_size_inches(8, 4)
plt.show()
print("The search takes", search.best_params_)
