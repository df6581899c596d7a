"""Changed model files: an error of ours or the right answer, in little memory and time.

Where the checksum was computed anew, the file is another model, and what is asked of it is that it
predicts, or refuses X as any estimator may.
"""

import json
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("n", "seed"),
    [(300, 1), pytest.param(100_000, 0, marks=pytest.mark.hard)],
    ids=["share", "all"],
)
def test_no_change_of_a_file_gives_anything_else(n, seed, new_process):
    script = Path(__file__).with_name("_mutate_files.py")
    code = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    done = new_process(code, str(script), "--n", str(n), "--seed", str(seed))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["failures"] == []
    counts = result["counts"]
    # The changes do reach what is behind the checksum, and some leave a model.
    assert counts["signed: refused"] > 0.2 * n
    assert counts["signed: right"] + counts["signed: another model"] > 0.05 * n
    assert counts["bytes: refused"] > 0.1 * n
