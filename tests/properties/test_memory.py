"""What a certificate of many steps takes of memory."""

import subprocess
import sys
from pathlib import Path

import pytest

STATUS = Path("/proc/self/status")

# The peak is that of the process itself, whereas getrusage begins with that of its parent.
CODE = """
import re, sys
from pathlib import Path
from sklearn_reasoning.algorithms import Algorithm, ChebyshevIteration
from sklearn_reasoning.properties import stability

class Recurrence(ChebyshevIteration):
    name, _filter = "recurrence", Algorithm._filter

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", Path(sys.argv[3]).read_text())[1]) / 1024

algorithm = {"recurrence": Recurrence()}.get(sys.argv[1], sys.argv[1])
stability(algorithm, 3, mu=0.01)
before = peak()
stability(algorithm, int(sys.argv[2]), mu=0.01)
print(peak() - before)
"""


@pytest.mark.skipif(not STATUS.exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize(("name", "k"), [("recurrence", 2500), ("chebyshev", 30_000)])
def test_the_stability_of_many_steps_fits_into_memory(name, k):
    """The states of a recurrence are k at k + 1 points, whose derivatives were a gigabyte."""
    command = [sys.executable, "-c", CODE, name, str(k), str(STATUS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 250
