"""Rules of options: what is checked when a penalty is made, and what can only be checked later."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor

from ._columns import Columns
from ._options import Numbers


class Known:
    """What is known of a penalty's options, in rows: nan stands for what is not known.

    Comparisons with nan are false, so a rule complains of what is known alone.
    """

    def __init__(self, penalty: Any, d: int | None, *, tensors: bool) -> None:
        self.penalty, self.d, self.tensors = penalty, d, tensors

    def rows(self, name: str) -> Tensor:
        """Return an option in float64, of shape (n or 1, m or 1)."""
        value = getattr(self.penalty, name)
        if isinstance(value, Columns) or (isinstance(value, Tensor) and not self.tensors):
            value = math.nan
        if isinstance(value, Numbers):
            value = torch.tensor(value, dtype=torch.float64)
        if isinstance(value, Tensor):
            value = value.detach().cpu().double()
            return value.reshape(-1, value.shape[-1] if value.ndim else 1)
        return torch.tensor([[value]], dtype=torch.float64)

    def width(self, name: str, wanted: int | None, what: str) -> None:
        """Refuse an option that holds neither one number nor as many as are wanted."""
        value = getattr(self.penalty, name)
        m = len(value.names) if isinstance(value, Columns) else self.rows(name).shape[-1]
        if wanted is not None and m not in (1, wanted):
            raise ValueError(
                f"{self._name}: {name} holds {m} numbers, and there are {wanted} {what}."
            )

    def bounds(self, low: str, high: str) -> tuple[Tensor, Tensor]:
        """Return two options of each output, checked to go with d and with each other."""
        for name in (low, high):
            self.width(name, self.d, "outputs")
            self.no_nan(name)
        below, above = self.rows(low), self.rows(high)
        counts = below.shape[-1], above.shape[-1]
        if self.d is None and max(counts) > 1:
            self.d = max(counts)
        if 1 not in counts and counts[0] != counts[1]:
            raise ValueError(
                f"{self._name}: {low} holds {counts[0]} numbers and {high} {counts[1]}."
            )
        return below, above

    @property
    def eps(self) -> float:
        """The rounding error of the least exact option."""
        options = [v for v in self._options if isinstance(v, Tensor)]
        return max([torch.finfo(v.dtype).eps for v in options], default=2.0**-52)

    def total(self, x: Tensor) -> Tensor:
        """Return the sum over the outputs, of shape (n or 1, 1); nan if their number is unknown."""
        if x.shape[-1] == 1 and self.d is None:
            return x.masked_fill((x != 0.0) & x.isfinite(), math.nan)
        count = 1.0 if x.shape[-1] > 1 else float(self.d or 1)
        return x.sum(dim=-1, keepdim=True) * count

    def no_nan(self, *names: str) -> None:
        """Refuse what is not a number among values that were not seen when the penalty was made."""
        for name in names:
            value = getattr(self.penalty, name)
            if self.tensors and isinstance(value, Tensor):
                self.refuse(
                    self.rows(name).isnan(), name + "={x} is not a number", x=self.rows(name)
                )

    def refuse(self, bad: Tensor, message: str, **values: Tensor) -> None:
        """Raise for the first entry of bad, of shape (n or 1, m or 1), with the values there."""
        if not bool(bad.any()):
            return
        row, output = cast(list[int], bad.nonzero()[0].tolist())
        shown = {
            name: f"{value.expand(*bad.shape)[row, output].item():.6g}"
            for name, value in values.items()
        }
        which = f" (number {output})" if bad.shape[1] > 1 else ""
        place = self.in_row(row, len(bad))
        raise ValueError(f"{self._name}: {message.format(**shown)}{which}{place}.")

    def in_row(self, row: int, n: int) -> str:
        """Say in which of n rows something is; nothing where one is for all samples."""
        return f", in row {row % self._n_rows}" if n > 1 else ""

    @property
    def _name(self) -> str:
        return type(self.penalty).__name__

    @property
    def _n_rows(self) -> int:
        """The number of samples; several models have them one after another."""
        options = (value.tensor if type(value) is Numbers else value for value in self._options)
        return max(
            [v.shape[-2] for v in options if isinstance(v, Tensor) and v.ndim > 1], default=1
        )

    @property
    def _options(self) -> Iterable[Any]:
        return vars(self.penalty).values()
