"""What a certificate of many steps takes of memory."""

from pathlib import Path

import pytest

STATUS = Path("/proc/self/status")

# The peak is that of the process itself, whereas getrusage begins with that of its parent.
CODE = """
import os, re, sys
from pathlib import Path
from sklearn_reasoning.algorithms import Algorithm, ChebyshevIteration
from sklearn_reasoning.properties import stability

class Recurrence(ChebyshevIteration):
    name, _filter = "recurrence", Algorithm._filter

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", Path(sys.argv[1]).read_text())[1]) / 1024

for algorithm, k in ((Recurrence(), 2500), ("chebyshev", 30_000)):
    if os.fork() == 0:  # its peak begins with what it has now
        stability(algorithm, 3, mu=0.01)
        before = peak()
        stability(algorithm, k, mu=0.01)
        print(peak() - before, flush=True)
        os._exit(0)
    assert os.wait()[1] == 0
"""


@pytest.mark.skipif(not STATUS.exists(), reason="the peak is read from Linux's /proc")
def test_the_stability_of_many_steps_fits_into_memory(new_process):
    """The states of a recurrence are k at k + 1 points, whose derivatives were a gigabyte."""
    done = new_process(CODE, str(STATUS))
    assert done.returncode == 0, done.stderr
    recurrence, chebyshev = map(float, done.stdout.split())
    assert recurrence < 250
    assert chebyshev < 250
