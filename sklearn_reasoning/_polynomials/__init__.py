"""Polynomials of the spectrum in k steps: closed forms, values and derivatives."""

from ._doubling import (
    SumOfPowers as SumOfPowers,
    TwoTermFilter as TwoTermFilter,
    TwoTerms as TwoTerms,
    power as power,
    squared_sum as squared_sum,
    squared_sum_and_slopes as squared_sum_and_slopes,
    two_term_residual as two_term_residual,
)
from ._elementwise import (
    Digits as Digits,
    Elementwise as Elementwise,
    Out as Out,
    Slopes as Slopes,
    evaluate as evaluate,
    values_and_slopes as values_and_slopes,
)
from ._evaluate import Points as Points, derivative as derivative, points_of as points_of
from ._step_sizes import PerIteration as PerIteration, Phi as Phi
from ._steps import (
    StepCounts as StepCounts,
    Steps as Steps,
    binary_digits as binary_digits,
    check_steps as check_steps,
)
from ._transforms import under_transform as under_transform
