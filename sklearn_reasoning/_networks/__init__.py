"""Networks of models side by side: perceptrons, convolutions, and heads that end them."""

from ._convolutions import Convolutions as Convolutions, kernel_shapes as kernel_shapes
from ._heads import (
    anchored_spectrum as anchored_spectrum,
    cayley as cayley,
    cayley_with_pullback as cayley_with_pullback,
    free_spectrum as free_spectrum,
    free_with_pullback as free_with_pullback,
    inner_spectrum as inner_spectrum,
    inner_with_pullback as inner_with_pullback,
)
from ._initial_weights import INITIAL_WEIGHTS as INITIAL_WEIGHTS
from ._layout import Block as Block, Layout as Layout, Network as Network, padded as padded
from ._perceptrons import Networks as Networks, evaluate as evaluate
