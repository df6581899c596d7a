"""Random states that leave the global one alone."""

from functools import lru_cache

import numpy as np
from sklearn.utils import check_random_state


def independent_random_state(
    random_state: int | np.random.RandomState | None,
) -> np.random.RandomState:
    """Turn scikit-learn's ``random_state`` into a generator, without the global state for None.

    :func:`sklearn.utils.check_random_state` reads None as numpy's global random state, so that
    drawing from it changes what the rest of the program draws. Here None is fresh entropy from the
    operating system, an int seeds a new generator, and a generator is returned as it is.

    Examples
    --------
    >>> independent_random_state(0).randint(10, size=3).tolist()
    [5, 0, 3]
    >>> independent_random_state(None) is independent_random_state(None)
    False
    """
    if random_state is None:
        return np.random.RandomState(np.random.MT19937(np.random.SeedSequence()))
    given: np.random.RandomState = check_random_state(random_state)
    return given


def seed_of(random_state: int | np.random.RandomState | None) -> int:
    """Draw the seed of a fit from a ``random_state``."""
    # Making a generator takes longer than all else that a fit in a search does before training.
    known = isinstance(random_state, int) and not isinstance(random_state, bool)
    return _known_seed(random_state) if known else _draw_seed(random_state)


def _draw_seed(random_state: int | np.random.RandomState | None) -> int:
    return int(independent_random_state(random_state).randint(2**31 - 1))


_known_seed = lru_cache(_draw_seed)
