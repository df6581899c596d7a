"""The paper's experiments, from one call."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sklearn_reasoning._plotting import check_matplotlib
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.testing import check_algorithm

from ._claims import FIGURES, Claim, claims_of
from ._figures import draw
from ._learning_to_optimise import run_learning_to_optimise
from ._protocol import Protocol
from ._report import write_report
from ._study import run_study
from ._tables import Table, read_csv, write_csv, write_json
from ._theory import depth_laws, explain_gap

_PACKAGES = ("sklearn-reasoning", "torch", "numpy", "scikit-learn", "skorch")


@dataclass(frozen=True)
class Reproduction:
    """What a reproduction found, and where its files are.

    Parameters
    ----------
    claims : list of Claim
        What was found for each claim of the paper.
    study : dict of str to list or None
        One row for each model and repetition of figures 3 to 5.
    learning_to_optimise : dict of str to list or None
        One row for each model and repetition of figure 6.
    report : Path
        A self-contained HTML page.
    """

    claims: list[Claim]
    study: Table | None
    learning_to_optimise: Table | None
    report: Path


def reproduce(
    figures: Sequence[str] = FIGURES,
    out: str | Path = "reproduction",
    *,
    protocol: Protocol | None = None,
    n_jobs: int = 2,
    verbose: int = 1,
    command: str = "sklearn_reasoning.experiments.reproduce(...)",
) -> Reproduction:
    """Reproduce figures of Sections 3 to 7 of the paper, and judge its claims.

    Parameters
    ----------
    figures : sequence of {"fig2", "fig3", "fig4", "fig5", "fig6"}
        Which figures. 3, 4 and 5 share one study.
    out : str or Path, default="reproduction"
        A folder, made if it is not there. A run that was killed goes on in the same folder with
        the same settings.
    protocol : Protocol or None, default=None
        All settings. None is the quick version; ``Protocol()`` is the paper's full size.
    n_jobs : int, default=2
        Number of processes.
    verbose : int, default=1
        Whether to show progress.
    command : str
        What the report names as the command that makes it.

    Returns
    -------
    Reproduction
        The folder holds ``settings.json``, ``study.csv``, ``learning_to_optimise.csv``,
        ``theory.csv`` and ``depth_laws.csv`` (how far the theory explains the gap),
        ``claims.json``, each figure as PNG and SVG, and ``report.html``.

    Raises
    ------
    ValueError
        If a figure is unknown, an algorithm of yours fails the contract, or ``out`` holds a run
        with other settings.
    OSError
        If ``out`` cannot be written to.
    """
    figures = list(dict.fromkeys(figures))
    unknown = [figure for figure in figures if figure not in FIGURES]
    if unknown or not figures:
        raise ValueError(f"figures={figures!r} must be some of {list(FIGURES)}.")
    protocol = Protocol.quick() if protocol is None else protocol
    check_matplotlib("reproduce")
    for algo in protocol.algos:
        if isinstance(algo, Algorithm):
            _check_users_algorithm(algo)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    _claim_folder(folder, protocol)
    began = time.time()
    study = learned = None
    if set(figures) & {"fig3", "fig4", "fig5"}:
        study = _kept(
            folder / "study.csv",
            lambda: run_study(protocol, folder / "stacks", n_jobs=n_jobs, verbose=verbose),
        )
    if "fig6" in figures:
        learned = _kept(
            folder / "learning_to_optimise.csv",
            lambda: run_learning_to_optimise(
                protocol, folder / "stacks", n_jobs=n_jobs, verbose=verbose
            ),
        )
    if study is not None:
        write_csv(folder / "theory.csv", explain_gap(study, protocol))
        write_csv(folder / "depth_laws.csv", depth_laws(study))
    claims, drawn = [], {}
    for figure in figures:
        table = learned if figure == "fig6" else study
        claims += claims_of(figure, table, protocol)
        drawn[figure] = draw(figure, table, folder, protocol)
    write_json(folder / "claims.json", [vars(claim) for claim in claims])
    provenance = {
        "command": command,
        "seconds": round(time.time() - began, 1),
        "processes": n_jobs,
        "versions": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
    }
    report = write_report(folder, protocol, claims, drawn, provenance)
    return Reproduction(claims, study, learned, report)


def _check_users_algorithm(algorithm: Algorithm) -> None:
    """Hold an algorithm to the contract before any training."""
    try:
        check_algorithm(algorithm)
    except Exception as error:
        raise ValueError(
            f"algos: {algorithm!r} breaks the contract of algorithms: {error}"
        ) from error


def _claim_folder(folder: Path, protocol: Protocol) -> None:
    """Write the settings into a new folder; refuse that of another run."""
    path = folder / "settings.json"
    settings = json.loads(json.dumps(protocol.to_dict()))
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        unlike = sorted(name for name in settings | found if settings.get(name) != found.get(name))
        if unlike:
            raise ValueError(
                f"out={str(folder)!r} holds a run with other {', '.join(unlike)}. Name another "
                "folder, or remove this one."
            )
        return
    others = [p.name for p in folder.iterdir()]
    if others:
        raise ValueError(
            f"out={str(folder)!r} is not empty and holds no run of ours ({others[0]!r} is in it). "
            "Name another folder."
        )
    write_json(path, settings)


def _kept(path: Path, make: Any) -> Table:
    """Return the table of a finished part, or make and keep it."""
    if path.exists():
        return read_csv(path)
    table: Table = make()
    write_csv(path, table)
    return table
