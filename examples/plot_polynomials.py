"""
What k steps do to the error: residual polynomials
==================================================

Started at 0, a first-order method on a quadratic energy multiplies the error along an eigenvector
with eigenvalue t by r_k(t), a polynomial of degree k with r_k(0) = 1. The whole difference
between the algorithms is which polynomial they choose.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_reasoning.inspection import ResidualPolynomialDisplay
from sklearn_reasoning.properties import convergence, stable_region

mu, L, k = 0.05, 1.0, 8

# %%
# Gradient descent does well where t is large and badly near ``mu``. Nesterov's method and heavy
# ball trade: they oscillate over the spectrum, and push the whole curve down. Chebyshev's
# polynomial has the smallest maximum there is: it touches its bound k + 1 times.
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
display = ResidualPolynomialDisplay.from_algorithms(
    ["gd", "nag", "heavy_ball", "chebyshev"], k=k, mu=mu, L=L, ax=ax
)
plt.show()
for curve in display.curves:
    print(f"{curve.label:12} at most {curve.largest:.3f} of the error is left after {k} steps")

# %%
# The filters q_k(t) = (1 - r_k(t)) / t are what the layer computes: y = -q_k(Q) b. The grey line is
# 1/t, the exact minimiser. Where r_k is small a filter lies on it.
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ResidualPolynomialDisplay.from_algorithms(
    ["gd", "nag", "heavy_ball", "chebyshev"], k=k, mu=mu, L=L, quantity="filter", ax=ax
)
plt.show()

# %%
# The largest value of r_k against k is the certified convergence. Straight lines on this scale are
# rates: gd needs a number of steps of the order of the condition number, the others of its square
# root. At the end of its stable region heavy ball falls as fast as chebyshev in the long run, but
# its first steps are the worst of all: the error grows before it falls.
steps = np.arange(1, 61)
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for algo in ("gd", "nag", "heavy_ball", "chebyshev"):
    end = None if algo == "chebyshev" else stable_region(algo, mu, L)[1]
    ax.semilogy(steps, convergence(algo, steps, end, mu, L).certified, label=algo)
ax.set(xlabel="k", ylabel="Cvg(k)", title="Certified share of the distance left, largest step size")
ax.legend()
plt.show()
first = convergence("heavy_ball", 2, stable_region("heavy_ball", mu, L)[1], mu, L)
print(f"Heavy ball at the end of its region, after 2 steps: {float(first.certified):.2f} left.")
