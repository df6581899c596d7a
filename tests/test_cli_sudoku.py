"""``demo sudoku``: what it prints, writes and refuses, on a few boards."""

import io
import re
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest

from sklearn_reasoning import load_model
from sklearn_reasoning.cli import _demo_files, _run_sudoku, main
from sklearn_reasoning.datasets import load_sudoku_images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def printed(folder, run_in_new_process):
    """Run the demo once, on boards too few to solve any."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_demo_files.subprocess, "run", run_in_new_process)
        patch.setattr(_run_sudoku, "N_TEST", 8)
        patch.setattr(_run_sudoku, "N_RESTARTS", 2)
        arguments = ["--boards", "40", "--epochs", "2", "--out", str(folder)]
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            assert main(["demo", "sudoku", *arguments]) == 0
    return out.getvalue(), err.getvalue()


def test_the_epochs_and_the_loss_are_shown(printed):
    _, err = printed
    assert "Training: 2/2" in err
    assert re.search(r"loss \d", err)


def test_the_table_is_that_of_the_saved_model(printed, folder):
    out, _ = printed
    rows = re.findall(r"^ +(\d+) +([\d.]+)% +([\d.]+)% +\S+", out, re.MULTILINE)
    assert [int(k) for k, *_ in rows] == [0, 1, 5, 10, 24, 50, 100, 200]
    model = load_model(folder / "sudoku.safetensors")
    test = load_sudoku_images(8, subset="test", dtype="float32", random_state=0)
    for k, solved, cells in rows:
        assert float(solved) == round(100 * model.score(test.data, test.target, k=int(k)), 1)
        expected = 100 * model.cell_accuracy(test.data, test.target, k=int(k))
        assert float(cells) == pytest.approx(expected, abs=0.05 + 1e-9)
    assert model.predict_k == 200


def test_the_model_predicts_the_same_in_a_new_process(printed):
    assert "probabilities are the same bits" in printed[0]


def test_the_figure_is_written(printed, folder):
    assert (folder / "sudoku.png").read_bytes().startswith(b"\x89PNG")
    assert str(folder / "sudoku.png") in printed[0]


def test_without_labels_of_the_givens_none_of_them_reaches_fit(tmp_path, monkeypatch):
    """Training is cut off where it would begin."""
    seen = {}

    def fit(model, X, y):
        seen.update(X=X, y=y, missing=model.missing_label)
        raise KeyboardInterrupt

    monkeypatch.setattr(_run_sudoku.HybridReasoningClassifier, "fit", fit)
    monkeypatch.setattr(_run_sudoku, "N_TEST", 1)
    arguments = ["--boards", "20", "--unlabelled", "--out", str(tmp_path)]
    assert main(["demo", "sudoku", *arguments]) == 130
    given = seen["X"].reshape(20, 81, 64).any(axis=2)
    np.testing.assert_array_equal(seen["y"] == -1, given)
    assert seen["missing"] == -1


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["sudoku", "--algo", "gd"], "--algo: it belongs to demo digits, not to sudoku"),
        (["sudoku", "--n-train", "50"], "--n-train: it belongs to demo digits"),
        (["sudoku", "--jobs", "2"], "--jobs: it belongs to demo digits"),
        (["--boards", "50"], "--boards: it belongs to demo sudoku, not to digits"),
        (["digits", "--unlabelled"], "--unlabelled: it belongs to demo sudoku"),
        (["sudoku", "--boards", "19"], "--boards: 19 is below 20"),
        (["chess"], "invalid choice: 'chess'"),
    ],
)
def test_what_is_refused(capsys, arguments, part):
    with pytest.raises(SystemExit) as exit_:
        main(["demo", *arguments])
    assert exit_.value.code == 2
    assert part in capsys.readouterr().err


def test_a_folder_in_the_place_of_a_result(capsys, tmp_path):
    (tmp_path / "sudoku.png").mkdir()
    with pytest.raises(SystemExit):
        main(["demo", "sudoku", "--out", str(tmp_path)])
    assert "sudoku.png is a folder, in the place of a result" in capsys.readouterr().err
