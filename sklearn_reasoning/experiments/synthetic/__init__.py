"""The study of the paper's Section 7: synthetic quadratic problems."""

from ._complexity import measure_complexity as measure_complexity
from ._population import (
    Population as Population,
    check_true_energy as check_true_energy,
    draw_population as draw_population,
)
from ._study import run_study as run_study
from ._sweep import (
    VARIED as VARIED,
    check_sweep as check_sweep,
    run_sweep as run_sweep,
    sweep_exponents as sweep_exponents,
)
from ._sweep_figure import draw_sweep as draw_sweep
from ._theory import (
    depth_laws as depth_laws,
    explain_gap as explain_gap,
    theory_findings as theory_findings,
)

__all__ = []
