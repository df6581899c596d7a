"""
The theory of a fitted model
============================

A model of k steps stops short of the minimiser of its energy. How short, and how far its output
moves when the learned numbers do, is certified: proven for every energy that the model can
predict, from its bounds ``mu`` and ``L`` alone, and then measured on rows.
"""

import matplotlib.pyplot as plt

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.inspection import CertificateDisplay

X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)
model = HybridReasoningRegressor(
    "nag", k=10, linear_term="given", rotation="given", max_epochs=60, random_state=0
).fit(X, y)

# %%
# In words. The last line is measured, and must keep to what the second one promises.
rows = problem.X[:1000]
certificate = model.certify(rows)
print(certificate)
assert certificate.holds

# %%
# Against k: the line is proven, the others are the median and the worst of 1,000 rows. No row is
# above the line. The second panel shows the predicted eigenvalues: in this problem the smallest
# is ``mu`` and the largest is ``L`` in every row, which is why the worst row comes near to the
# bound.
display = CertificateDisplay.from_estimator(model, rows, k=range(1, 31))
display.figure_.set_size_inches(9, 4)
plt.show()

# %%
# How many steps for a wanted accuracy? ``steps_needed`` inverts the bound, and ``predict`` can
# run them on the same energies.
print(f"{certificate.accuracy:.0%} of the way left takes {certificate.steps_needed} steps at most.")
deeper = model.predict(rows, k=certificate.steps_needed)
print(f"The {certificate.steps_needed}-step output has shape {deeper.shape}.")
