"""
Few shots: sinusoids from a handful of points
=============================================

Two thousand sinusoids, each with an amplitude and a phase of its own, and twenty points of each. A
model learns what they have in common: features of x, and weights to start from. A new sinusoid then
needs a few points, and k steps on a quadratic energy in the weights. Nothing is trained again.
"""

# %%
# Every task is a group. Training cuts it, anew in each epoch, into ten points to adapt to and ten
# to be predicted. ``groups`` says whose point it is; the model is never told amplitude or phase.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_reasoning import FewShotReasoningRegressor
from sklearn_reasoning.datasets import make_few_shot

X, y, groups = make_few_shot(n_tasks=2000, n_rows=20, random_state=0)
model = FewShotReasoningRegressor(k=10, shots=10, max_epochs=30, random_state=0)
model.fit(X, y, groups=groups)

# %%
# New tasks
# ---------
#
# Five hundred sinusoids that were not there in training. Of each the first points are known, and a
# hundred others are to be predicted. ``adapt`` returns a model that knows the new groups.
n_new, n_rows = 500, 110
X_new, y_new, groups_new = make_few_shot(n_new, n_rows, random_state=1)
groups_new = groups_new + 2000  # other names than those of the training
place = np.tile(np.arange(n_rows), n_new)
others = place >= 10


def adapted(shots):
    """Return the model after it has seen so many points of each new sinusoid."""
    known = place < shots
    return model.adapt(X_new[known], y_new[known], groups=groups_new[known]) if shots else model


# %%
# Two of them, before and after 1, 3 and 10 points. Without any, the prediction is the learned
# start, the same curve for every sinusoid. One point cannot tell amplitude from phase; ten can. (It
# was trained to adapt to ten points; for three, ``shots=3`` would be better.)
SHOTS = (0, 1, 3, 10)
x_line = np.linspace(-5, 5, 201)[:, None]


def draw(ax, task, knows, shots, k=None):
    """Draw a new sinusoid, the points that are known, and the prediction."""
    mine = groups_new == task
    order = np.argsort(X_new[mine, 0])
    ax.plot(X_new[mine][order], y_new[mine][order], color="0.7", label="truth")
    line = knows.predict(x_line, groups=np.full(len(x_line), task), k=k)
    ax.plot(x_line, line, color="C0", label="prediction")
    seen = mine & (place < shots)
    ax.plot(X_new[seen], y_new[seen], "o", color="C1", label="known points")


figure, axes = plt.subplots(2, 4, figsize=(11, 4.8), sharex=True, sharey=True, layout="constrained")
tasks = 2000 + np.array([3, 8])
for column, shots in zip(axes.T, SHOTS, strict=True):
    knows = adapted(shots)
    for ax, task in zip(column, tasks, strict=True):
        draw(ax, task, knows, shots)
    column[0].set_title({0: "no points: the start", 1: "1 point"}.get(shots, f"{shots} points"))
    column[1].set_xlabel("x")
for row in axes:
    row[0].set_ylabel("y")
handles, labels = axes[0, 3].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=3)
plt.show()

# %%
# Step by step
# ------------
#
# The same model with other numbers of steps: ``k=`` of ``predict``. It was trained to be good after
# ten, and those before lead there. More steps go on to the minimiser of the energy.
STEPS = (0, 1, 2, 3, 5, 10, 20, 50)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
knows, task = adapted(10), tasks[0]
mine = groups_new == task
order = np.argsort(X_new[mine, 0])
left.plot(X_new[mine][order], y_new[mine][order], color="0.7", linewidth=5, label="truth")
for k, shade in zip((0, 1, 3, 10), (0.25, 0.45, 0.7, 1.0), strict=True):
    line = knows.predict(x_line, groups=np.full(len(x_line), task), k=k)
    left.plot(x_line, line, color=plt.cm.Blues(shade), label=f"k = {k}")
left.plot(X_new[mine & ~others], y_new[mine & ~others], "o", color="C1", label="known points")
left.set(xlabel="x", ylabel="y", title="one sinusoid, ten points")
left.legend(fontsize="small")

for shots in (1, 3, 5, 10):
    knows = adapted(shots)
    errors = [
        np.mean((knows.predict(X_new[others], groups=groups_new[others], k=k) - y_new[others]) ** 2)
        for k in STEPS
    ]
    right.plot(range(len(STEPS)), errors, "o-", label=f"{shots} points" if shots > 1 else "1 point")
    print(f"{shots:2} points: {errors[0]:.2f} before, {errors[STEPS.index(10)]:.3f} after 10 steps")
right.axvline(STEPS.index(10), color="0.8", zorder=0)
right.set_xticks(range(len(STEPS)), STEPS)
right.set(yscale="log", xlabel="steps k (trained with 10)", ylabel="mean squared error")
right.set_title(f"{n_new} new sinusoids")
right.legend(fontsize="small")
plt.show()
