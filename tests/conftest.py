"""What must be set before anything imports scipy or torch, and processes of their own."""

import os

# Without it scikit-learn skips its check of array API inputs.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Processes side by side whose threads wait for one another take up to seven times the work.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from _new_process import NewProcesses


@pytest.fixture(scope="session")
def new_process():
    """Return a function that runs code in a process of its own, at the price of a fork."""
    processes = NewProcesses()
    yield processes
    processes.close()


@pytest.fixture(scope="session")
def run_in_new_process(new_process):
    """Return what stands in for ``subprocess.run(["python", "-c", code, ...], check=True)``."""

    def run(command, check):
        assert check
        _, option, code, *arguments = command
        assert option == "-c"
        here = f"import os, sys\nos.chdir({os.getcwd()!r})\nsys.path.insert(0, '')\n"
        new_process(here + code, *arguments).check_returncode()

    return run
