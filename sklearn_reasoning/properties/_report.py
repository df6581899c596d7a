"""Certificates in words: a summary in plain sentences, and a table for notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = {
    "convergence": ("Convergence", "largest fraction of the distance to the minimiser left"),
    "stability_in_Q": ("Stability in Q", "change of the output per unit of |Q - Q'| and |b|"),
    "stability_in_b": ("Stability in b", "change of the output per unit of |b - b'|"),
    "sensitivity": ("Sensitivity", "change per unit of step size or weights, and |b|"),
    "sensitivity_over_range": ("Sensitivity over the range", "the same, for any two step sizes"),
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
    yield (
        f"Stability: if Q moves by e, the output moves by {_bound(numbers, 'stability_in_Q')} "
        f"e |b|; if b moves by e, by {_bound(numbers, 'stability_in_b')} e."
    )
    if numbers["sensitivity_attained"] or numbers["sensitivity_certified"]:
        moving = "the weights move" if numbers["step_size"] is None else "the step size moves"
        sentence = (
            f"Sensitivity: if {moving} by a small e, the output moves by "
            f"{_bound(numbers, 'sensitivity')} e |b|"
        )
        if "sensitivity_over_range_certified" in numbers:
            sentence += (
                f"; anywhere in the range of step sizes, by "
                f"{_bound(numbers, 'sensitivity_over_range')} e |b|"
            )
        yield sentence + "."
    if "n_rows" in numbers:
        yield from _on_rows(numbers)


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
        yield "Convergence: nothing is proven for this method."
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
    yield (
        f"{seen}; {100 * mean:.3g} % of the way is left on average, "
        f"{100 * largest:.3g} % at most"
        + (", within the bound." if numbers["holds"] else ": MORE than the bound.")
    )


def _bound(numbers: Mapping[str, Any], name: str) -> str:
    certified = numbers[f"{name}_certified"]
    if certified == float("inf"):
        return f"no proven multiple (at least {numbers[f'{name}_attained']:.4g}) of"
    return f"at most {certified:.4g}"


def html_table(numbers: Mapping[str, Any]) -> str:
    """Return the numbers of ``ModelCertificate.to_dict`` as a table."""
    rows = [
        f"<tr><th style='text-align:left' title='{html.escape(meaning, quote=True)}'>"
        f"{html.escape(title)}</th>"
        f"<td>{numbers[f'{name}_attained']:.4g}</td><td>{numbers[f'{name}_certified']:.4g}</td></tr>"
        for name, (title, meaning) in _NAMES.items()
        if f"{name}_certified" in numbers
    ]
    sentences = "<br>".join(html.escape(sentence) for sentence in _sentences(numbers))
    return (
        "<div class='sklearn-reasoning-certificate'><table>"
        "<thead><tr><th></th><th>attained</th><th>certified</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table><p>{sentences}</p></div>"
    )
