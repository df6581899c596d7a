"""Forked, spawned and joblib's processes: no child hangs, and all give the bits of the parent."""

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

METHODS = [*multiprocessing.get_all_start_methods(), "loky", "joblib-multiprocessing"]


@pytest.mark.hard
@pytest.mark.parametrize("how", METHODS)
def test_children_give_the_bits_of_their_parent(how):
    # Not in this process: its threads and imports are those of other tests.
    script = Path(__file__).with_name("_processes.py")
    done = subprocess.run(
        [sys.executable, str(script), how], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the same bits\n"
