"""
Restore noisy digits
====================

A first regression. x is the noisy image of a digit, y the clean one. Part of the problem is
known: the restoration should stay near the noisy image, so the linear term of the energy is b =
-x. What is learned is the matrix Q, which says how far to trust each direction, and the step
size.
"""

# %%
# ``load_digits_restoration`` lays X out as ``[x | b]``, and ``linear_term="given"`` says so. A
# Wiener filter, the best linear restoration, is the minimiser of such an energy with Q at least
# 1, so ``mu`` is 1. ``RidgeCV`` fits that filter; the hybrid model may go beyond it.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import load_digits_restoration

digits = load_digits_restoration(n_train=400, n_test=390, noise=0.3, random_state=0)
noisy_train, noisy_test = digits.X_train[:, :64], digits.X_test[:, :64]

hybrid = HybridReasoningRegressor(
    "nag",
    k=20,
    q_hidden=None,
    mu=1.0,
    L=10.0,
    linear_term="given",
    lr=0.03,
    max_epochs=40,
    random_state=0,
).fit(digits.X_train, digits.y_train)
ridge = RidgeCV(np.logspace(-2, 3, 20)).fit(noisy_train, digits.y_train)

# %%
# The error on 390 images that neither has seen. One constant Q (``q_hidden=None``) is a linear
# filter too, but one whose structure is right: symmetric, between 1 and 10, a function of b.
restored = {
    "noisy": noisy_test,
    "ridge": ridge.predict(noisy_test),
    "hybrid": hybrid.predict(digits.X_test),
    "clean": digits.y_test,
}
for name in ("noisy", "ridge", "hybrid"):
    error = np.mean((restored[name] - digits.y_test) ** 2)
    print(f"mean squared error of {name:6} {error:.4f}")

# %%
# Nine of them. Five per cent less error than ridge's is hardly to be seen; what both make of the
# noisy images is.
figure, axes = plt.subplots(4, 9, figsize=(9, 4.4), layout="constrained")
for row, (name, images) in zip(axes, restored.items(), strict=True):
    for ax, image in zip(row, images, strict=False):
        ax.imshow((image + digits.mean_image).reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(name)
figure.suptitle("Digits with noise of standard deviation 0.3, restored")
plt.show()
