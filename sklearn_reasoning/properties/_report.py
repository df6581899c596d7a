"""Certificates in words: a summary in plain sentences, and a table for notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

_FROM_ZERO = {
    "convergence": ("Convergence", "largest fraction of the distance to the minimiser left"),
    "stability_in_Q": ("Stability in Q", "change of the output per unit of |Q - Q'| and |b|"),
    "stability_in_b": ("Stability in b", "change of the output per unit of |b - b'|"),
    "sensitivity": ("Sensitivity", "change per unit of step size or weights, and |b|"),
    "sensitivity_over_range": ("Sensitivity over the range", "the same, for any two step sizes"),
}
# From a start c with the gradient g: what moves with Q is the sum of two.
_FROM_START = {
    "convergence": _FROM_ZERO["convergence"],
    "stability_in_Q": ("Stability in Q", "change of the output per unit of |Q - Q'| and |g|"),
    "stability_in_Q_per_start": ("... and", "added to it, per unit of |Q - Q'| and |c|"),
    "stability_in_b": _FROM_ZERO["stability_in_b"],
    "stability_in_start": ("Stability in c", "change of the output per unit of |c - c'|"),
    "sensitivity": ("Sensitivity", "change per unit of step size or weights, and |g|"),
    "sensitivity_over_range": _FROM_ZERO["sensitivity_over_range"],
}


def summary_of(numbers: Mapping[str, Any]) -> str:
    """Return the numbers of ``ModelCertificate.to_dict`` as sentences, one a line."""
    return "\n".join(_sentences(numbers))


def _sentences(numbers: Mapping[str, Any]) -> Iterator[str]:
    k, algorithm = numbers["k"], numbers["algorithm"]
    steps = "1 step" if k == 1 else f"{k} steps"
    what = "the exact minimiser" if algorithm == "opt" else f"{steps} of {algorithm}"
    yield (
        f"Layer: {what} on spectra in [{numbers['mu']:.4g}, {numbers['L']:.4g}] "
        f"(condition number {numbers['condition_number']:.4g})."
    )
    yield from _on_step_size(numbers)
    yield from _on_convergence(numbers, steps)
    yield _on_stability(numbers)
    if numbers["sensitivity_attained"] or numbers["sensitivity_certified"]:
        first = "|b|" if _begins_at_zero(numbers) else "|g|"
        moving = "the weights move" if numbers["step_size"] is None else "the step size moves"
        sentence = (
            f"Sensitivity: if {moving} by a small e, "
            f"{_bound(numbers, 'sensitivity', f'e {first}', 'the output moves ')}"
        )
        if "sensitivity_over_range_certified" in numbers:
            over_range = _bound(numbers, "sensitivity_over_range", f"e {first}")
            sentence += f"; anywhere in the range of step sizes, {over_range}"
        yield sentence + "."
    if "n_rows" in numbers:
        yield from _on_rows(numbers)


def _begins_at_zero(numbers: Mapping[str, Any]) -> bool:
    # The exact minimiser begins nowhere: what holds from 0 holds.
    return numbers["start_norm"] == 0.0 or numbers["algorithm"] == "opt"


def _on_stability(numbers: Mapping[str, Any]) -> str:
    in_b = f"if b moves by e, {_bound(numbers, 'stability_in_b', 'e')}"
    if _begins_at_zero(numbers):
        moved = _bound(numbers, "stability_in_Q", "e |b|", "the output moves ")
        return f"Stability: if Q moves by e, {moved}; {in_b}."
    per_gradient, per_start, norm = (
        numbers[name]
        for name in ("stability_in_Q_certified", "stability_in_Q_per_start_certified", "start_norm")
    )
    if per_gradient == float("inf") or per_start == float("inf"):
        moved = _no_bound(numbers["stability_in_Q_attained"], "e |g|")
    else:
        moved = f"the output moves by at most ({per_gradient:.4g} |g| + {per_start:.4g} |c|) e"
    where = "each row's start c" if norm is None else "the start c"
    length = "" if norm is None else f" and |c| = {norm:.4g}"
    return (
        f"Stability: if Q moves by e, {moved}, where g is the gradient at {where}{length}; "
        f"{in_b}; if c moves by e, {_bound(numbers, 'stability_in_start', 'e')}."
    )


def _on_step_size(numbers: Mapping[str, Any]) -> Iterator[str]:
    step_size, region = numbers["step_size"], numbers["stable_region"]
    if step_size is None:
        return
    if isinstance(step_size, list):
        if not step_size:
            return
        shown = f"Step sizes: {min(step_size):.4g} to {max(step_size):.4g}"
    else:
        shown = f"Step size: {step_size:.4g}"
    where = "inside" if numbers["is_stable"] else "OUTSIDE"
    sentence = f"{shown}, {where} the stable region that ends at {region[1]:.4g}."
    if isinstance(step_size, list):
        sentence += " The bounds are for these sizes in this order."
    yield sentence


def _on_convergence(numbers: Mapping[str, Any], steps: str) -> Iterator[str]:
    left, needed = numbers["convergence_certified"], numbers["steps_needed"]
    accuracy = f"{100 * numbers['accuracy']:.3g} %"
    if numbers["algorithm"] == "opt":
        yield "Convergence: complete."
        return
    if left == float("inf"):
        if numbers["penalty"] is not None:
            case = f"this method with {numbers['penalty']}"
        else:
            case = "this method" + ("" if _begins_at_zero(numbers) else " from this start")
        yield f"Convergence: no bound; nothing is proven for {case}."
        return
    if left > 1.0:
        sentence = f"Convergence: after {steps} the proven bound is {left:.3g} times the first "
        sentence += "distance to the minimiser"
    else:
        sentence = f"Convergence: after {steps} at most {100 * left:.3g} % of the way to the "
        sentence += "minimiser is left"
    if needed is None:
        sentence += f"; that it ever falls to {accuracy} is not proven."
    else:
        sentence += f"; {accuracy} takes {needed} step{'' if needed == 1 else 's'}."
    yield sentence


def _on_rows(numbers: Mapping[str, Any]) -> Iterator[str]:
    mean, largest = numbers["mean_relative_distance"], numbers["max_relative_distance"]
    seen = (
        f"On {numbers['n_rows']:,} rows: eigenvalues from {numbers['smallest_eigenvalue']:.4g} to "
        f"{numbers['largest_eigenvalue']:.4g}"
    )
    if numbers["algorithm"] == "opt":
        yield seen + "."
        return
    verdict = {True: ", within the bound", False: ": MORE than the bound", None: "; no bound"}
    sentence = (
        f"{seen}; {100 * mean:.3g} % of the way is left on average, {100 * largest:.3g} % at most"
        f"{verdict[numbers['holds']]}."
    )
    moved = numbers.get("stability_in_Q_on_rows", float("inf"))
    if not _begins_at_zero(numbers) and moved < float("inf"):
        sentence += f" If Q moves by e, their outputs move by at most {moved:.4g} e."
    yield sentence


def _bound(numbers: Mapping[str, Any], name: str, unit: str, what: str = "") -> str:
    certified = numbers[f"{name}_certified"]
    if certified == float("inf"):
        return _no_bound(numbers[f"{name}_attained"], unit)
    return f"{what}by at most {certified:.4g} {unit}"


def _no_bound(attained: float, unit: str) -> str:
    return f"no bound (found: {attained:.4g} {unit})" if attained else "no bound"


def in_digits(certified: float) -> str:
    """Return a proven bound in four digits, or that there is none."""
    return "no bound" if certified == float("inf") else f"{certified:.4g}"


def html_table(numbers: Mapping[str, Any]) -> str:
    """Return the numbers of ``ModelCertificate.to_dict`` as a table."""
    names = _FROM_ZERO if _begins_at_zero(numbers) else _FROM_START
    rows = [
        f"<tr><th style='text-align:left' title='{html.escape(meaning, quote=True)}'>"
        f"{html.escape(title)}</th>"
        f"<td>{numbers[f'{name}_attained']:.4g}</td><td>{in_digits(numbers[f'{name}_certified'])}</td></tr>"
        for name, (title, meaning) in names.items()
        if f"{name}_certified" in numbers
    ]
    sentences = "<br>".join(html.escape(sentence) for sentence in _sentences(numbers))
    return (
        "<div class='sklearn-reasoning-certificate'><table>"
        "<thead><tr><th></th><th>attained</th><th>certified</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table><p>{sentences}</p></div>"
    )
