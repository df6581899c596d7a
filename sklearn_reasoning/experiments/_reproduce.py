"""The paper's experiments, from one call."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_reasoning._support.drawing import check_matplotlib
from sklearn_reasoning.algorithms import Algorithm, get_algorithm
from sklearn_reasoning.testing import check_algorithm

from ._claims import FIGURES, Claim, claims_of
from ._figures import draw
from ._protocol import Protocol
from ._report import Findings, write_report
from ._tables import Table, read_csv, write_csv, write_json
from .denoising import (
    DenoisingProtocol,
    DenoisingStudy,
    denoising_claims,
    draw_denoising,
    draw_patches,
    example_of,
    gaps_over_repetitions,
    load_images,
)
from .given_energies import run_learning_to_optimise
from .synthetic import (
    VARIED,
    check_sweep,
    check_true_energy,
    depth_laws,
    draw_sweep,
    explain_gap,
    measure_complexity,
    run_study,
    run_sweep,
    sweep_exponents,
    theory_findings,
)

_HOW_TO_READ = {
    "n_samples": "The leading term of Theorem 5.1 has the power -1/2. With training rows that are "
    "part of the population the gap has a factor 1 - n/N besides; held_out='disjoint' has not",
    "noise": "Noise is on training labels alone: it raises the training loss, and what it takes "
    "from the gap is not better generalisation",
    "mu": "Labels are up to ||b|| / mu long, so that mu changes the scale of all losses",
}
_HOW_TO_READ_FIG7 = (
    "Mean losses over repetitions in grey levels of 255, the gap with its standard error and "
    "the p-value of no gap. Each model is trained on one set of patches with the other held out, "
    "and the other way round: sets that are harder to restore cancel out. one_way_error is the "
    "standard error without that. With g = 0 the layer can only darken pixels, so its losses are "
    "far above the others' at small k, where it darkens all of them"
)
ALL_FIGURES = (*FIGURES, "fig7")
# The settings of figures 2 to 6 and of figure 7, by the names of their files.
_SETTINGS_FILES = ("settings", "denoising")
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
    denoising : dict of str to list or None, default=None
        One row for each model and repetition of figure 7.

    Examples
    --------
    >>> report = Path("reproduction/report.html")
    >>> found = Reproduction(claims=[], study=None, learning_to_optimise=None, report=report)
    >>> found.denoising is None
    True
    """

    claims: list[Claim]
    study: Table | None
    learning_to_optimise: Table | None
    report: Path
    denoising: Table | None = None


def reproduce(
    figures: Sequence[str] = FIGURES,
    out: str | Path = "reproduction",
    *,
    protocol: Protocol | None = None,
    denoising: DenoisingProtocol | None = None,
    vary: Mapping[str, Sequence[float]] | None = None,
    complexity: bool = False,
    n_jobs: int = 2,
    verbose: int = 1,
    command: str = "sklearn_reasoning.experiments.reproduce(...)",
) -> Reproduction:
    """Reproduce figures of Sections 3 to 7 of the paper, and judge its claims.

    Parameters
    ----------
    figures : sequence of str, default=("fig2", "fig3", "fig4", "fig5", "fig6")
        Which figures; may be empty where ``vary`` is given. 3, 4 and 5 share one study; "fig7",
        the denoising experiment, has a study of its own.
    out : str or Path, default="reproduction"
        A folder, made if it is not there. A run that was killed goes on in the same folder with
        the same settings.
    protocol : Protocol or None, default=None
        All settings of figures 2 to 6. None is the quick version; ``Protocol()`` is the
        paper's full size.
    denoising : DenoisingProtocol or None, default=None
        All settings of figure 7. None is the quick version on photographs that packages ship.
    vary : mapping of str to sequence of float, or None, default=None
        Settings to vary, one at a time: the study is run again for each of the values. Of
        "n_samples", "n_features", "n_outputs", "mu", "L" and "noise".
    complexity : bool, default=False
        Whether to estimate Rademacher complexities beside the gaps of figures 3 to 5: at six k
        of each algorithm and hidden size, minutes more.
    n_jobs : int, default=2
        Number of processes.
    verbose : int, default=1
        Whether to show progress.
    command : str, default="sklearn_reasoning.experiments.reproduce(...)"
        What the report names as the command that makes it.

    Returns
    -------
    Reproduction
        The folder holds ``settings.json`` and ``denoising.json`` (the settings of figures 2 to
        6 and of figure 7), ``study.csv``, ``learning_to_optimise.csv``, ``denoising.csv``,
        ``theory.csv`` and ``depth_laws.csv`` (how far the theory explains the gap),
        ``complexity.csv``, ``sweep_<setting>.csv`` and ``exponents_<setting>.csv``,
        ``results.json`` (all tables and claims, with settings, seed and versions), each figure
        as PNG and SVG, and ``report.html``.

    Raises
    ------
    ValueError
        If a figure is unknown, an algorithm of yours fails the contract, a setting or value to
        vary is not allowed, ``out`` holds a run with other settings, or figure 7 has too few
        images.
    ImportError
        If matplotlib, or what figure 7 reads images with, is missing.
    OSError
        If ``out`` cannot be written to, or an image cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_reasoning.experiments import Protocol, reproduce
    >>> tiny = Protocol(k=(1, 2, 3), repetitions=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = reproduce(["fig2"], folder, protocol=tiny, n_jobs=1, verbose=0)
    >>> found.report.name, found.claims[0].verdict
    ('report.html', 'holds')
    """
    figures, vary = list(dict.fromkeys(figures)), dict(vary or {})
    protocol = Protocol.quick() if protocol is None else protocol
    denoising = DenoisingProtocol.quick() if denoising is None else denoising
    is_synthetic = bool(vary) or any(figure in FIGURES for figure in figures)
    _refuse(figures, protocol, denoising, vary, complexity, n_jobs)
    if is_synthetic:
        check_true_energy(protocol)
    images = load_images(denoising) if "fig7" in figures else []
    settings = {"settings": protocol.to_dict()} if is_synthetic else {}
    if "fig7" in figures:
        settings["denoising"] = denoising.to_dict()
    folder = _made(out)
    _claim_folder(folder, settings)
    began = time.time()
    run = _Run(folder, protocol, n_jobs, verbose)
    if _needs_study(figures):
        run.study()
        if complexity:
            run.complexity()
        run.theory()
    if "fig6" in figures:
        run.learning_to_optimise()
    for setting, values in vary.items():
        run.sweep(setting, values)
    tables = run.tables
    claims, drawn = [], {}
    for figure in figures:
        if figure == "fig7":
            drawn[figure] = run.denoising(denoising, images)
            claims += denoising_claims(tables["denoising"])
            continue
        table = tables.get("learning_to_optimise" if figure == "fig6" else "study")
        claims += claims_of(figure, table, protocol)
        drawn[figure] = draw(figure, table, folder, protocol)
    provenance = {
        "command": command,
        "seconds": round(time.time() - began, 1),
        "processes": n_jobs,
        "versions": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
    }
    shown = {"denoising": "denoising_settings"}
    results = {
        **{shown.get(name, name): values for name, values in settings.items()},
        "provenance": provenance,
        "claims": [vars(claim) for claim in claims],
        **tables,
    }
    write_json(folder / "results.json", results)
    report = write_report(
        folder,
        protocol if is_synthetic else None,
        claims,
        drawn,
        provenance,
        run.findings,
        denoising if "fig7" in figures else None,
    )
    study, learned, denoised = map(tables.get, ("study", "learning_to_optimise", "denoising"))
    return Reproduction(claims, study, learned, report, denoised)


class _Run:
    """The parts of a reproduction: each is computed or read, kept, and added to the tables."""

    def __init__(self, folder: Path, protocol: Protocol, n_jobs: int, verbose: int) -> None:
        self.folder, self.protocol = folder, protocol
        self.tables: dict[str, Table] = {}
        self.findings: list[Findings] = []
        self._stacks = folder / "stacks"
        self._how = {"n_jobs": n_jobs, "verbose": verbose}

    def study(self) -> None:
        self._keep("study", lambda: run_study(self.protocol, self._stacks, **self._how))

    def learning_to_optimise(self) -> None:
        algos = _in_figure_6(self.protocol)
        self._keep(
            "learning_to_optimise",
            lambda: run_learning_to_optimise(self.protocol, self._stacks, algos=algos, **self._how),
        )

    def denoising(self, protocol: DenoisingProtocol, images: list[np.ndarray]) -> list[Path]:
        study = DenoisingStudy(protocol, draw_patches(protocol, images))
        self._keep("denoising", lambda: study.run(self._stacks, **self._how))
        table = self.tables["denoising"]
        title = "What are the gaps of figure 7?"
        self.findings.append(Findings(title, _HOW_TO_READ_FIG7, [gaps_over_repetitions(table)]))
        return draw_denoising(table, example_of(study, table, images), self.folder, protocol)

    def complexity(self) -> None:
        study = self.tables["study"]
        self._keep(
            "complexity",
            lambda: measure_complexity(study, self.protocol, self._stacks, **self._how),
        )

    def theory(self) -> None:
        study = self.tables["study"]
        explained = explain_gap(study, self.protocol, self.tables.get("complexity"))
        laws = depth_laws(study)
        self._write("theory", explained)
        self._write("depth_laws", laws)
        self.findings += theory_findings(explained, laws, self.protocol)

    def sweep(self, setting: str, values: Sequence[float]) -> None:
        # Not read from its file, which may hold other values; finished stacks are.
        table = run_sweep(self.protocol, setting, values, self._stacks, **self._how)
        exponents = sweep_exponents(table, setting)
        self._write(f"sweep_{setting}", table)
        self._write(f"exponents_{setting}", exponents)
        drawn = draw_sweep(table, setting, self.folder, self.protocol)
        self.findings.append(
            Findings(
                f"How does the gap move with the {VARIED[setting].title}?",
                "Exponents p of gap = c value^p, fitted to the mean gap over repetitions, with "
                f"the jackknife's standard error. {_HOW_TO_READ.get(setting, '')}".strip(),
                [exponents],
                drawn,
            )
        )

    def _keep(self, name: str, make: Callable[[], Table]) -> None:
        """Read the table of a finished part, or make and keep it."""
        path = self.folder / f"{name}.csv"
        if path.exists():
            self.tables[name] = read_csv(path)
        else:
            self._write(name, make())

    def _write(self, name: str, table: Table) -> None:
        write_csv(self.folder / f"{name}.csv", table)
        self.tables[name] = table


def _needs_study(figures: Sequence[str]) -> bool:
    return bool(set(figures) & {"fig3", "fig4", "fig5"})


def _refuse(
    figures: Sequence[str],
    protocol: Protocol,
    denoising: DenoisingProtocol,
    vary: Mapping[str, Sequence[float]],
    complexity: bool,
    n_jobs: int,
) -> None:
    """Raise for what cannot be done, before any work."""
    unknown = [figure for figure in figures if figure not in ALL_FIGURES]
    if unknown or not (figures or vary):
        raise ValueError(f"figures={figures!r} must be some of {list(ALL_FIGURES)}.")
    if complexity and not _needs_study(figures):
        raise ValueError("complexity=True goes with the study of fig3, fig4 or fig5.")
    for setting, values in vary.items():
        check_sweep(protocol, setting, values)
    if n_jobs == 0:
        raise ValueError("n_jobs=0 must be a number of processes, or -1 for all cores.")
    check_matplotlib("reproduce")
    # Both studies may have the same algorithm; once is enough.
    instances = [a for a in (*protocol.algos, *denoising.algos) if isinstance(a, Algorithm)]
    for algorithm in {id(instance): instance for instance in instances}.values():
        _check_users_algorithm(algorithm)


def _in_figure_6(protocol: Protocol) -> list[str | Algorithm]:
    """Return the paper's three algorithms, and what else is in the protocol."""
    shown: list[str | Algorithm] = list(protocol.algos)
    names = [get_algorithm(algo).name for algo in shown]
    return shown + [algo for algo in ("gd", "nag", "rnn") if algo not in names]


def _check_users_algorithm(algorithm: Algorithm) -> None:
    """Hold an algorithm to the contract before any training."""
    try:
        check_algorithm(algorithm)
    except Exception as error:
        raise ValueError(
            f"algos: {algorithm!r} breaks the contract of algorithms: {error}"
        ) from error


def _made(out: str | Path) -> Path:
    """Return the folder ``out``, made if it is not there."""
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        # With a number, OSError makes itself a PermissionError or what else it is.
        raise OSError(
            error.errno, f"out={str(folder)!r} cannot be made: {error.strerror}"
        ) from error
    return folder


def _claim_folder(folder: Path, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the settings of each part into a new folder, by file name; refuse that of another run.

    A folder may hold the other part of a run already.
    """
    there = sorted(path.name for path in folder.iterdir())
    if there and not any(f"{name}.json" in there for name in _SETTINGS_FILES):
        raise ValueError(
            f"out={str(folder)!r} is not empty and holds no run of ours ({there[0]!r} is in it). "
            "Name another folder."
        )
    asked = json.loads(json.dumps(settings))
    for name, here in asked.items():
        path = folder / f"{name}.json"
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else here
        unlike = sorted(each for each in here | found if here.get(each) != found.get(each))
        if unlike:
            raise ValueError(
                f"out={str(folder)!r} holds a run with other {', '.join(unlike)}. Name another "
                "folder, or remove this one."
            )
    for name, here in asked.items():
        if not (folder / f"{name}.json").exists():
            write_json(folder / f"{name}.json", here)
