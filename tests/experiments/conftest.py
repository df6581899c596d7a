"""An algorithm that can be stopped, and a command that is refused."""

import pytest

from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.cli import main


class StoppedByFile(Algorithm):
    """Gradient descent that fails as long as there is a file."""

    name = "stopped"
    is_polynomial = False

    def __init__(self, file):
        self.file = file

    def step(self, state, problem, phi):
        if self.file.exists():
            raise RuntimeError("stopped")
        return (problem.descend(state[0], phi),)

    def stable_region(self, mu, L):
        return 0.01, 2.0 / (mu + L)


@pytest.fixture(scope="session")
def stopped_by_file():
    return StoppedByFile


@pytest.fixture
def refused(capsys):
    """Return a function that says why ``reproduce`` refused options: one line, status 2."""

    def refused(options, out):
        with pytest.raises(SystemExit) as stop:
            main(["reproduce", *options, "--out", str(out)])
        assert stop.value.code == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    return refused
