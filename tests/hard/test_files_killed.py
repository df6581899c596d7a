"""A process killed while it saves leaves the old file or the new one, whole."""

import json
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="processes cannot be forked")
@pytest.mark.parametrize(
    "timed", [5, pytest.param(1_000, marks=pytest.mark.hard)], ids=["share", "all"]
)
def test_a_killed_save_leaves_a_whole_file(timed, new_process):
    script = Path(__file__).with_name("_kill_saves.py")
    code = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    done = new_process(code, str(script), "--timed", str(timed))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    at_calls, after = result["at each call"], result["after a time"]
    # It was killed before the file was moved, after that, and with a part of it written.
    assert at_calls["old"] > 0
    assert at_calls["new"] > 0
    assert at_calls["old and a partial file"] > 5
    assert sum(at_calls.values()) == result["moments"] > 10
    assert sum(after.values()) == timed
