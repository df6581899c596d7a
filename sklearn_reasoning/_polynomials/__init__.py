"""Polynomials of the spectrum in k steps: closed forms, values and derivatives."""

from ._doubling import (
    TwoTerms as TwoTerms,
    power as power,
    squared_sum as squared_sum,
    sum_of_powers as sum_of_powers,
    two_term_filter as two_term_filter,
    two_term_residual as two_term_residual,
)
from ._evaluate import Points as Points, derivative as derivative, points_of as points_of
from ._step_sizes import PerIteration as PerIteration, Phi as Phi
from ._steps import StepCounts as StepCounts, Steps as Steps, check_steps as check_steps
from ._transforms import under_transform as under_transform
