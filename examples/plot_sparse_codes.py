"""
Sparse codes in k steps: learned step sizes against ISTA and FISTA
==================================================================

A signal s is written as few columns of a dictionary D: its code z minimises
``|D z - s|^2 / 2 + 0.1 |z|_1``. That is an energy with Q = D'D, b = -D's and an L1 term. ISTA and
FISTA solve it for every signal; LISTA (Gregor and LeCun 2010) learns from solved ones what k steps
should do for signals of this kind.
"""

# %%
# Twenty columns for signals of ten numbers, of which a signal uses two on average. The codes to
# learn from are the minimisers, which scikit-learn's coordinate descent finds.
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.decomposition import sparse_encode

from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.penalties import L1

rng = np.random.default_rng(0)
n, n_columns, weight = 900, 20, 0.1
D = rng.standard_normal((10, n_columns))
D /= np.linalg.norm(D, axis=0)
used = rng.standard_normal((n, n_columns)) * (rng.random((n, n_columns)) < 0.1)
signals = used @ D.T + 0.02 * rng.standard_normal((n, 10))
codes = sparse_encode(signals, D.T, algorithm="lasso_cd", alpha=weight, max_iter=10_000)
print(f"{(codes != 0).mean():.0%} of the entries of a code are not 0.")

Q, b = D.T @ D, -signals @ D
eigenvalues, eigenvectors = np.linalg.eigh(Q)
L = float(eigenvalues[-1])
train, test = slice(300), slice(300, None)


def error(predicted):
    """Return the squared distance to the minimisers of new signals; 1 is that of the code 0."""
    return ((predicted - codes[test]) ** 2).sum() / (codes[test] ** 2).sum()


# %%
# ISTA is gradient descent with the L1 term, FISTA the accelerated one: the layer takes the true Q,
# and its steps are 1/L.
def solved(algo, k):
    """Return the codes of new signals after k steps from 0."""
    layer = ReasoningLayer(algo, k=k, mu=1e-3, L=L, penalty=L1(weight))
    with torch.no_grad():
        each = torch.from_numpy(Q).expand(n - 300, n_columns, n_columns)
        return layer(DenseQuadratic(each, torch.from_numpy(b[test]))).numpy()


print(f"3,000 steps of FISTA and coordinate descent differ by {error(solved('fista', 3000)):.0e}")

# %%
# The learned models are ISTA as well, with a step size for each step and a Q of their own, the same
# for all signals (``q_hidden=None``). The dictionary is known, so the eigenvectors of Q are, and
# stand in X behind b: k step sizes and 20 eigenvalues are to be learned. A second model learns the
# eigenvectors too and so sees nothing of D but b. Large steps are allowed between small ones.
known = np.hstack([b, np.tile(eigenvectors.reshape(1, -1), (n, 1))])
options = {
    "linear_term": "given",
    "q_hidden": None,
    "spectrum": "free",
    "mu": 0.001,
    "L": L,
    "penalty": L1(weight),
    "step_size_per_iteration": True,
    "step_size_range": (0.05, 5.0),
    "lr": 0.1,
    "weight_decay": 0.0,
    "batch_size": 150,
    "max_epochs": 60,
    "random_state": 0,
}
depths = (2, 4, 8, 16)
errors = {name: [] for name in ("ISTA", "FISTA", "learned", "learned, eigenvectors too")}
sizes = {}
for k in depths:
    learned = HybridReasoningRegressor("gd", k=k, rotation="given", **options)
    learned.fit(known[train], codes[train])
    free = HybridReasoningRegressor("gd", k=k, **options).fit(b[train], codes[train])
    sizes[k] = learned.step_size_
    errors["ISTA"].append(error(solved("gd", k)))
    errors["FISTA"].append(error(solved("fista", k)))
    errors["learned"].append(error(learned.predict(known[test])))
    errors["learned, eigenvectors too"].append(error(free.predict(b[test])))
print(f"{'error after k steps':28}" + "".join(f"{k:>8}" for k in depths))
for name, found in errors.items():
    print(f"{name:28}" + "".join(f"{value:8.3f}" for value in found))

# %%
# Up to eight steps the learned model has about half of FISTA's error; at sixteen the two are
# close, and with 24 FISTA is ahead of both. So learn if there is time for few steps only. The
# eigenvectors matter: learned from 300 codes they are not right, more steps do not mend it, and
# from eight steps on FISTA is ahead. Most learned sizes are above 2/L, beyond which equal steps on
# the true Q would diverge.
further = [error(solved("fista", k)) for k in (24, 32)]
print("step sizes in 1/L, k = 4:", (sizes[4] * L).round(1), "k = 16:", (sizes[16] * L).round(1))
print(f"FISTA after 24 and 32 steps: {further[0]:.3f} and {further[1]:.4f}")
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name, found in errors.items():
    left.loglog(depths, found, "o-", label=name)
left.set_xticks(depths, labels=[str(k) for k in depths], minor=False)
left.set_yticks([0.05, 0.1, 0.2, 0.5], labels=["0.05", "0.1", "0.2", "0.5"])
left.minorticks_off()
left.set(xlabel="steps k", ylabel="error", title="To the minimiser, new signals")
left.legend()
for k in (4, 16):
    right.plot(np.arange(1, k + 1), sizes[k], "o-", label=f"learned, k = {k}")
right.axhline(1 / L, color="k", linewidth=0.8, label="1/L")
right.set(xlabel="step", ylabel="step size", title="Step sizes")
right.legend()
plt.show()
