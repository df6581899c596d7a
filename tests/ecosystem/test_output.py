"""What is printed, logged and shown: nothing unless asked for, and nothing that spoils a log."""

import logging
import os
import pty
import termios

import numpy as np

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X[:, :2] - X[:, 1:]
GRID = {"k": [1, 2], "q_hidden": [None, 4]}


def search(**options):
    model = HybridReasoningRegressor(max_epochs=2, b_hidden=(4,), random_state=0)
    return BatchedGridSearchCV(model, GRID, cv=2, **options)


def test_a_stream_that_is_no_terminal_gets_lines(capfd):
    search(verbose=2).fit(X, Y)

    out, err = capfd.readouterr()
    assert out.startswith("Fitting 2 folds for each of 4 candidates, totalling 8 fits")
    lines = err.splitlines()
    assert lines[-1].startswith("Training: 8/8 [")
    assert "best score" in lines[-1]
    assert sum(line.startswith("fold ") for line in lines) == 8
    for character in out + err:
        assert character == "\n" or character.isprintable()


def test_a_terminal_gets_a_bar(new_process):
    code = (
        "import sys, numpy as np; sys.path.insert(0, sys.argv[1]); from test_output import *; "
        "search(verbose=1).fit(X, Y)"
    )
    terminal, of_process = pty.openpty()
    termios.tcsetwinsize(of_process, (24, 100))
    done = new_process(code, os.path.dirname(__file__), stderr=os.ttyname(of_process))
    os.close(of_process)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert done.returncode == 0, shown
    assert "\r" in shown
    assert "8/8" in shown


def test_a_search_that_is_not_asked_to_print_logs(caplog, capfd):
    with caplog.at_level(logging.DEBUG, logger="sklearn_reasoning"):
        search().fit(X, Y)
    said = [(record.name, record.levelname, record.message) for record in caplog.records]
    plan = "Fitting 2 folds for each of 4 candidates, totalling 8 fits: 8 in 2 stacks."
    assert ("sklearn_reasoning.model_selection", "INFO", plan) in said
    trained = ("sklearn_reasoning.training", "DEBUG")
    assert [entry[2] for entry in said if entry[:2] == trained] == [
        "4 models of nag trained for [2, 2, 2, 2] epochs"
    ] * 2 + ["1 models of nag trained for [2] epochs"]
    assert capfd.readouterr() == ("", "")
