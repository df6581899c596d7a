"""Types as users meet them: a script of theirs under mypy --strict, and its mistakes."""

import re
from pathlib import Path

import pytest
from mypy import api

WRONG = {
    'HybridReasoningRegressor(k="ten")': '"k".*"str"; expected "int"',
    "HybridReasoningRegressor(depth=10)": 'Unexpected keyword argument "depth"',
    "HybridReasoningRegressor().fit([[0.0]])": 'Missing positional argument "y"',
    'HybridReasoningRegressor().predict([[0.0]], k="3")': '"k".*"str"; expected "int | None"',
    "loss: str = mean_l2_loss([0.0], [1.0])": 'expression has type "float", variable.*"str"',
    'ReasoningLayer("nag", k=7, mu="0.1", L=1.0)': '"mu".*"str"; expected "float"',
}


# Seconds once the types of torch and numpy are in the cache, a quarter of a minute before.
@pytest.mark.hard
def test_a_script_of_a_user(tmp_path):
    script = Path(__file__).parent / "user_script.py"
    wrong = tmp_path / "wrong.py"
    imports = (
        "from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer\n"
        "from sklearn_reasoning.model_selection import mean_l2_loss\n"
    )
    wrong.write_text(imports + "\n".join(WRONG) + "\n")
    options = ["--strict", "--follow-imports=silent", "--config-file=", "--hide-error-context"]
    out, err, _ = api.run([*options, f"--cache-dir={tmp_path}", str(script), str(wrong)])
    assert err == ""
    *found, last = [line for line in out.splitlines() if ": note: " not in line]
    assert last.startswith(f"Found {len(WRONG)} errors in 1 file (checked 2 source files)"), out
    for number, (line, match) in enumerate(zip(found, WRONG.values(), strict=True), start=3):
        assert f"wrong.py:{number}: error" in line
        assert re.search(match.replace("|", r"\|"), line), line
