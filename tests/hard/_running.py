"""One property, run with few examples in the ordinary suite and with many in the hard one."""

import functools

import pytest
from hypothesis import HealthCheck, Phase, given, settings


def holds_for(*strategies, few, many):
    """Make a check of drawn cases a test: ``few`` of them, and ``many`` under the marker hard.

    The examples are the same in every run. Arguments after those of the strategies are
    parameters of the test.
    """

    def decorate(check):
        counts = [
            pytest.param(few, id="few"),
            pytest.param(many, id="many", marks=pytest.mark.hard),
        ]

        @pytest.mark.parametrize("examples", counts)
        def test(examples):
            # Drawn without looking at what the check does: coverage would cost more than it.
            run = settings(
                max_examples=examples,
                derandomize=True,
                deadline=None,
                database=None,
                phases=(Phase.explicit, Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            )
            run(given(*strategies)(check))()

        functools.update_wrapper(test, check)
        del test.__wrapped__  # pytest would read the arguments of the check from it
        return test

    return decorate
