"""From settings by name to the protocols of the figures that are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ._protocol import Protocol
from .denoising import DenoisingProtocol

# Both studies have these, under one meaning.
_SHARED = ("algos", "k", "repetitions", "learn_step_size", "same_initial_weights", "seed")
# By what they are called where both studies are run; a step of Adam is no epoch.
_OF_FIGURE_7 = {"images": "images", "fig7_steps": "max_steps"}


def protocols_of(
    given: Mapping[str, Any], figures: Sequence[str], *, is_full: bool
) -> tuple[Protocol, DenoisingProtocol]:
    """Return the protocols of figures 2 to 6 and of figure 7.

    Given values of settings replace those of the size. ``images`` and ``fig7_steps`` (the steps of
    each training) are about figure 7 alone. No figures stand for figures 2 to 6, or for a sweep of
    their study. A setting that has no part in the figures is a ValueError.
    """
    names = {field.name for field in fields(Protocol)}
    unknown = sorted(set(given) - names - set(_OF_FIGURE_7))
    if unknown:
        raise ValueError(f"There is no setting {unknown[0]!r}.")
    has_figure_7, is_alone = "fig7" in figures, set(figures) == {"fig7"}
    for name in given:
        if name in _OF_FIGURE_7 and not has_figure_7:
            raise ValueError(f"{name} is a setting of fig7, which is not among the figures.")
        if is_alone and name not in (*_SHARED, *_OF_FIGURE_7):
            known = ", ".join((*_SHARED, *_OF_FIGURE_7))
            raise ValueError(f"{name} has no part in fig7, whose settings are {known}.")
    synthetic = Protocol() if is_full else Protocol.quick()
    denoising = DenoisingProtocol() if is_full else DenoisingProtocol.quick()
    if has_figure_7:
        renamed = {_OF_FIGURE_7[name]: given[name] for name in _OF_FIGURE_7 if name in given}
        shared = {name: given[name] for name in _SHARED if name in given}
        denoising = denoising.but({**shared, **renamed})
    if not is_alone:
        own = {name: value for name, value in given.items() if name in names}
        synthetic = synthetic.but(own)
    return synthetic, denoising
