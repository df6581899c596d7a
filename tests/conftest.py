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
