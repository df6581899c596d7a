"""Any value for any parameter: it works, or an error names the parameter before any work."""

import numpy as np
import torch
from hard._running import holds_for
from hard._work import denoiser, images, regression, regressor
from hypothesis import strategies as st

from sklearn_reasoning.exceptions import DivergenceError

_numbers = st.one_of(
    st.integers(-3, 6),
    st.floats(),
    st.sampled_from([1e-320, 1e300, -0.0, 2**63, 10**30, np.float32(0.5), np.int8(3), np.bool_(1)]),
)
_words = st.sampled_from(
    ["", "nag", "opt", "rnn", "auto", "stable", "given", "l2", "sgd", "cpu", "meta", "best", "\x00"]
)
_things = st.sampled_from(
    [
        *(None, False, object(), print, {}, {"a": 1}, {1}, b"nag", 1j, Ellipsis, np.array(2.0)),
        *(torch.tensor(0.5), torch.device("cpu")),
        *(np.random.default_rng(0), np.random.RandomState(0)),
    ]
)
_single = st.one_of(_numbers, _words, _things)
anything = st.one_of(
    _single, st.lists(_single, max_size=3), st.lists(_numbers, min_size=2, max_size=2).map(tuple)
)


def too_large(value):
    """Tell whole numbers that would be obeyed, for as long or as much as they say."""
    parts = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(p, int | np.integer) and p > 100 for p in parts)


def works_or_is_named(model, name, value, *data):
    if too_large(value):
        return
    model.set_params(**{name: value})
    before = dict(vars(model))
    refusal = None
    try:
        model.fit(*data)
    except DivergenceError:
        refusal = name  # of the numbers that were asked for
    except (ValueError, TypeError) as error:
        refusal = str(error)
    if refusal is None:
        assert model.predict(data[0]).shape == data[1].shape
        return
    assert name in refusal
    after = vars(model)
    assert after.keys() == before.keys()
    assert all(after[key] is before[key] for key in before)


regressor_names = st.sampled_from(sorted(regressor().get_params()))
denoiser_names = st.sampled_from(sorted(denoiser().get_params()))


@holds_for(regressor_names, anything, few=15, many=1500)
def test_any_value_of_the_regressors_parameters(name, value):
    works_or_is_named(regressor(max_epochs=2), name, value, *regression(n=12, d=2))


@holds_for(denoiser_names, anything, few=10, many=1000)
def test_any_value_of_the_denoisers_parameters(name, value):
    works_or_is_named(denoiser(max_steps=2), name, value, *images())
