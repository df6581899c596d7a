"""
Portfolios: a known linear term, a matrix to be learned
=======================================================

A fund holds the positions y that minimise 1/2 y'Q(x)y + b'y: b is minus the expected returns,
which are known every day, and Q(x) is the risk, which depends on the state x of the market and
which the fund does not publish. From past days (x, b) and positions y we learn Q(x).
"""

# %%
# The market is simulated: four assets, one factor that drives all of them, and a single state x
# between 0 (calm) and 1 (stressed), in which the factor is four times as strong. So the directions
# of risk stay, and their sizes move. X holds ``[x | b]``.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import mean_l2_loss

rng = np.random.default_rng(0)
assets = ["bonds", "value", "growth", "energy"]
own_risk = 0.3
exposure = np.array([-0.1, 0.5, 0.7, 0.5])


def risk(stress):
    """Return the covariance of each day: the assets' own risk, and the factor's."""
    strength = 0.35 + 1.05 * stress
    return own_risk * np.eye(4) + strength[:, None, None] * np.outer(exposure, exposure)


stress = rng.random(400)
returns = 0.3 + 0.2 * rng.standard_normal((400, 4))
b = -returns
positions = -np.linalg.solve(risk(stress), b[..., None])[..., 0]
X, y = np.column_stack([stress, b]), positions
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=60, random_state=0)

# %%
# Sixty days to learn from. The rotation of Q is shared by all days (``rotation="shared"``, the
# default), and the eigenvalues move with x. The exact minimiser (``algo="opt"``) suits a fund
# that solves its problem to the end; for one that only ever makes a few corrections, k steps of
# ``"gd"`` would be the model.
hybrid = HybridReasoningRegressor(
    "opt", linear_term="given", mu=0.15, L=3.0, max_epochs=200, random_state=0
).fit(X_train, y_train)
constant = HybridReasoningRegressor(
    "opt", linear_term="given", mu=0.15, L=3.0, q_hidden=None, max_epochs=200, random_state=0
).fit(X_train, y_train)
network = TransformedTargetRegressor(
    make_pipeline(
        StandardScaler(),
        MLPRegressor(hidden_layer_sizes=(32,), max_iter=2000, random_state=0),
    ),
    transformer=StandardScaler(),
).fit(X_train, y_train)
for name, model in [
    ("hybrid, Q(x)", hybrid),
    ("hybrid, one Q for all days", constant),
    ("MLPRegressor on (x, b)", network),
]:
    print(f"{name:27} mean error of a position {mean_l2_loss(y_test, model.predict(X_test)):.3f}")

# %%
# What was learned can be read. Nobody showed the model a covariance; it found the risk of each
# day from the positions. Left: the variance of an equal-weight portfolio, true and learned.
# Right: the same positions, predicted and true.
Q, _ = hybrid.predict_energy(X_test)
weights = np.full(4, 0.25)
order = np.argsort(X_test[:, 0])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for matrices, label, style in ((risk(X_test[:, 0]), "true", "k-"), (Q, "learned", "C1.")):
    left.plot(X_test[order, 0], (matrices @ weights @ weights)[order], style, label=label)
left.set(xlabel="stress x", ylabel="variance", title="Risk of the equal-weight portfolio")
left.legend()
for j, asset in enumerate(assets):
    right.plot(y_test[:, j], hybrid.predict(X_test)[:, j], ".", label=asset)
right.axline((0, 0), slope=1, color="k", linewidth=0.8)
right.set(xlabel="true position", ylabel="predicted", title="Positions on days not seen")
right.legend()
plt.show()
