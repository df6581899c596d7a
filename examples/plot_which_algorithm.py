"""
Which algorithm, and how deep?
==============================

More steps, a faster algorithm and a larger network fit the training rows better, and widen the
gap to rows that were not seen. The table of a search shows both, and the picture shows where to
stop.
"""

# %%
# Sixty noisy digits to learn from. A constant Q (``q_hidden=None``) or one that depends on the
# image, two algorithms, five depths; all of them trained together.
import matplotlib.pyplot as plt

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import load_digits_restoration
from sklearn_reasoning.model_selection import (
    BatchedGridSearchCV,
    GeneralizationGapDisplay,
    gap_table,
    l2_loss_scorer,
)

digits = load_digits_restoration(n_train=60, noise=0.3, random_state=0)
model = HybridReasoningRegressor(
    mu=1.0, L=10.0, linear_term="given", lr=0.02, max_epochs=40, random_state=0
)
search = BatchedGridSearchCV(
    model,
    {"algo": ["gd", "nag"], "k": [1, 2, 4, 8, 16], "q_hidden": [None, (16,)]},
    scoring=l2_loss_scorer,
    return_train_score=True,
    cv=2,
).fit(digits.X_train, digits.y_train)

# %%
# Both losses against k. The dashed line is the loss on the training folds, the solid one that on
# the folds left out; what lies between is the gap.
display = GeneralizationGapDisplay.from_search(search, kind="losses")
display.figure_.set_size_inches(9, 4)
plt.show()

# %%
# The first step of either algorithm is a multiple of b, whatever Q is: nothing is fitted, and
# there is no gap. A constant Q has little to overfit with, and is done after a few steps. Q(x)
# goes on to fit the training digits with every step, but new digits only for the first eight: what
# later steps gain goes into the gap. The search takes one of these all the same: the gap is a
# price, and new digits are restored better than with a constant Q.
table = gap_table(search)
for algo, k, hidden, *losses in zip(
    *(table[f"param_{name}"] for name in ("algo", "k", "q_hidden")),
    *(table[name] for name in ("empirical_loss", "held_out_loss", "gap")),
    strict=True,
):
    if algo == "nag" and hidden is not None:
        print(
            "nag, Q(x), k = {:2}: empirical {:.3f}, held out {:.3f}, gap {:.3f}".format(k, *losses)
        )
print("The search takes", search.best_params_)

# %%
# The gap alone, as the paper draws it.
display = GeneralizationGapDisplay.from_search(search)
display.figure_.set_size_inches(9, 4)
plt.show()
