"""The network that scores pairs: convolutions along sequences, then a perceptron of each pair."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_reasoning.rna import BASES, LEAST_SPAN, UNKNOWN

from ._prior import LEAST_PROBABILITY
from ._settings import FolderArchitecture

# How far along a helix, inwards and outwards, a pair looks for others; and which they are.
_HELIX, _NEIGHBOURS = 8, 4
# Distances are told by knots from the smallest to a large one, evenly in their logarithm.
_KNOTS, _FARTHEST = 32, 1024
# Lengths are measured in it.
_LENGTH = 128.0
_WIDTH, _DILATIONS = 9, 5

_PAIRS = (("A", "U"), ("U", "A"), ("C", "G"), ("G", "C"), ("G", "U"), ("U", "G"))
_STRENGTHS = (2.0, 2.0, 3.0, 3.0, 1.0, 1.0)

#: Numbers that a sequence has for each base, and a pair for itself, without a prior and with one.
_BASE_INPUTS = 7
_PAIR_INPUTS = (2 * _NEIGHBOURS + 1) * (len(_PAIRS) + 1) + 3 + _KNOTS
_PRIOR_INPUTS = 2


class Affine(nn.Module):
    """A linear map of channels over a window of places, and a constant; zero at first."""

    def __init__(self, n_in: int, n_out: int, width: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_out, n_in, width))
        self.bias = nn.Parameter(torch.zeros(n_out))
        self._dilation = dilation

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, n_out) for (n, n_in), or (batch, n_out, n) for (batch, n_in, n)."""
        if x.ndim == 2:
            return F.linear(x, self.weight.squeeze(-1), self.bias)
        padding = self._dilation * (self.weight.shape[-1] // 2)
        return F.conv1d(x, self.weight, self.bias, padding=padding, dilation=self._dilation)


class PairNetwork(nn.Module):
    r"""From bases to a logit for each pair that is allowed.

    Residual convolutions with growing dilation read the sequence. A pair i < j then has the sum of
    linear maps of what they say at i and at j, and of what the pair is: which pairs its neighbours
    along a helix would be, how strong the helix is inwards and outwards of it, and the distance.
    Residual layers make a logit of it, and a bilinear form of the two bases is added. The work is
    that of allowed pairs alone, about a fifth of all.
    """

    kinds: Tensor
    strength: Tensor
    knots: Tensor
    offsets: Tensor

    def __init__(self, architecture: FolderArchitecture) -> None:
        super().__init__()
        a = architecture
        c, h = a.sequence_channels, a.pair_channels
        self.has_prior = a.has_prior
        self.first = Affine(_BASE_INPUTS, c, _WIDTH)
        self.sequence = nn.ModuleList(
            Affine(c, c, 3, 2 ** (layer % _DILATIONS)) for layer in range(a.sequence_layers)
        )
        self.hidden = h
        # For the layers of the pair, and for the bilinear form.
        self.left, self.right = Affine(c, h + h // 2 + 1), Affine(c, h + h // 2 + 1)
        self.bilinear = nn.Parameter(torch.zeros(1))
        self.of_pair = Affine(_PAIR_INPUTS + _PRIOR_INPUTS * a.has_prior, h)
        self.pair = nn.ModuleList(Affine(h, h) for _ in range(a.pair_layers))
        self.last = Affine(h, 1)
        self.of_prior = nn.Parameter(torch.zeros(int(a.has_prior)))
        for name, table in (("kinds", _kinds()), ("strength", _strengths()), ("knots", _knots())):
            self.register_buffer(name, table, persistent=False)
        self.register_buffer("offsets", torch.arange(-_HELIX, _HELIX + 1), persistent=False)

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Draw the weights; pairs are unlikely at first, or what a prior says of them."""
        for module in self.modules():
            if isinstance(module, Affine):
                bound = 1.0 / math.sqrt(module.weight[0].numel())
                module.weight.uniform_(-bound, bound, generator=generator)
                module.bias.uniform_(-bound, bound, generator=generator)
        self.bilinear.fill_(0.0 if self.has_prior else 0.1)
        self.last.weight.mul_(0.0 if self.has_prior else 0.3)
        self.last.bias.fill_(0.5 if self.has_prior else -4.0)
        self.of_prior.fill_(1.0)

    def forward(self, codes: Tensor, allowed: Tensor, prior: Tensor | None) -> Tensor:
        """Return logits.

        Parameters
        ----------
        codes : Tensor of int of shape (batch, n)
            Bases; unknown beyond the end of a sequence.
        allowed : Tensor of bool of shape (batch, n, n)
            Symmetric.
        prior : Tensor of shape (batch, n, n) or None
            Probabilities of pairs.

        Returns
        -------
        Tensor of shape (batch, n, n)
            Symmetric; 0 where a pair is not allowed.
        """
        batch, n = codes.shape
        where, i, j = torch.nonzero(torch.triu(allowed), as_tuple=True)
        of_base = self._read(codes)
        ends = [side(of_base).mT.reshape(batch * n, -1) for side in (self.left, self.right)]
        types = self._types(codes, where, i, j)
        found = []
        for part in _parts(len(i), keep=torch.is_grad_enabled()):
            at = where[part], i[part], j[part]
            found.append(self._logits(ends, types[part], n, *at, prior))
        logits = torch.cat(found) if found else ends[0].new_zeros(0)
        whole = logits.new_zeros(batch, n, n)
        whole[where, i, j] = logits
        return whole + whole.mT

    def _read(self, codes: Tensor) -> Tensor:
        """Return what is known of each base, of shape (batch, channels, n)."""
        n = codes.shape[1]
        inside = _inside(codes)
        length = inside.sum(dim=1, keepdim=True).clamp(min=1.0)
        place = torch.arange(n, device=codes.device) / length
        bases = F.one_hot(codes, UNKNOWN + 1)[..., : len(BASES)].to(inside.dtype)
        numbers = (inside, inside * place, inside * (length / _LENGTH))
        x = torch.cat([bases, torch.stack(numbers, dim=-1)], dim=-1).mT
        inside = inside.unsqueeze(1)
        h = self.first(x) * inside
        for layer in self.sequence:
            h = h + torch.relu(layer(torch.relu(_normalised(h)) * inside)) * inside
        return _normalised(h)

    def _types(self, codes: Tensor, where: Tensor, i: Tensor, j: Tensor) -> Tensor:
        """Return the codes of the pairs along the helix of each pair, from outside to inside."""
        padded = F.pad(codes, (_HELIX, _HELIX), value=UNKNOWN)
        first = where * padded.shape[1] + _HELIX
        flat = padded.reshape(-1)
        outer = flat[(first + i).unsqueeze(1) + self.offsets]
        inner = flat[(first + j).unsqueeze(1) - self.offsets]
        return (UNKNOWN + 1) * outer + inner

    def _logits(
        self,
        ends: list[Tensor],
        types: Tensor,
        n: int,
        where: Tensor,
        i: Tensor,
        j: Tensor,
        prior: Tensor | None,
    ) -> Tensor:
        near = types[:, _HELIX - _NEIGHBOURS : _HELIX + _NEIGHBOURS + 1]
        distance = self.knots[(j - i).clamp(max=_FARTHEST)]
        inputs = [self.kinds[near].flatten(1), self._helices(types), distance]
        given = None
        if prior is not None:
            p = prior[where, i, j]
            given = torch.logit(p, eps=LEAST_PROBABILITY)
            inputs += [p.unsqueeze(1), given.unsqueeze(1)]
        first = F.embedding(where * n + i, ends[0])
        second = F.embedding(where * n + j, ends[1])
        h = self.hidden
        z = torch.relu(first[:, :h] + second[:, :h] + self.of_pair(torch.cat(inputs, dim=1)))
        for layer in self.pair:
            z = z + torch.relu(layer(z))
        both = (first[:, h:] * second[:, h:]).sum(dim=1)
        logits: Tensor = self.last(z).squeeze(1) + self.bilinear * both
        return logits if given is None else logits + self.of_prior * given

    def _helices(self, types: Tensor) -> Tensor:
        """Return the strengths of a pair and of the helix inwards and outwards of it."""
        strength = self.strength[types]
        inwards, outwards = strength[:, _HELIX + 1 :], strength[:, :_HELIX].flip(1)
        run = [(s * (s > 0.0).cumprod(dim=1)).sum(dim=1) / 5.0 for s in (inwards, outwards)]
        return torch.stack([strength[:, _HELIX] / 3.0, *run], dim=1)


def _kinds() -> Tensor:
    """Return which kind each pair of codes is, (25, 7): one of six, or none."""
    table = torch.zeros((UNKNOWN + 1) ** 2, len(_PAIRS) + 1)
    table[:, -1] = 1.0
    for kind, (i, j) in enumerate(_PAIRS):
        own = (UNKNOWN + 1) * BASES.index(i) + BASES.index(j)
        table[own, -1], table[own, kind] = 0.0, 1.0
    return table


def _strengths() -> Tensor:
    """Return the hydrogen bonds of each pair of codes, less one for G with U."""
    return _kinds() @ torch.tensor([*_STRENGTHS, 0.0])


def _knots() -> Tensor:
    """Return for each distance how near it is to each knot, linearly, of sum 1."""
    distance = torch.arange(_FARTHEST + 1).clamp(min=LEAST_SPAN)
    place = torch.log2(distance / LEAST_SPAN) / math.log2(_FARTHEST / LEAST_SPAN) * (_KNOTS - 1)
    return (1.0 - (place.unsqueeze(1) - torch.arange(_KNOTS)).abs()).clamp(min=0.0)


def _inside(codes: Tensor) -> Tensor:
    """Return 1 up to the last known base of each sequence, and 0 from then on."""
    known = (codes != UNKNOWN).to(torch.get_default_dtype())
    return known.flip(1).cummax(dim=1).values.flip(1)


def _normalised(h: Tensor) -> Tensor:
    """Return h with mean 0 and variance 1 over the channels of each place."""
    centred = h - h.mean(dim=1, keepdim=True)
    return centred * (centred.square().mean(dim=1, keepdim=True) + 1e-5).rsqrt()


_PAIRS_AT_ONCE = 2**16


def _parts(n_pairs: int, *, keep: bool) -> Iterator[slice]:
    """Yield slices of the pairs; all at once where gradients would keep them anyway."""
    size = max(n_pairs, 1) if keep else _PAIRS_AT_ONCE
    for first in range(0, n_pairs, size):
        yield slice(first, first + size)


def shapes_of(a: FolderArchitecture, n_tensors: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield names and shapes of the weights, without making any; not for more layers than tensors.

    A ValueError if there are more.
    """
    if max(a.sequence_layers, a.pair_layers) > n_tensors:
        raise ValueError(f"the architecture has more layers than the {n_tensors} tensors can be")
    c, h = a.sequence_channels, a.pair_channels
    affine = {
        "first": (c, _BASE_INPUTS, _WIDTH),
        **{f"sequence.{layer}": (c, c, 3) for layer in range(a.sequence_layers)},
        "left": (h + h // 2 + 1, c, 1),
        "right": (h + h // 2 + 1, c, 1),
        "of_pair": (h, _PAIR_INPUTS + _PRIOR_INPUTS * a.has_prior, 1),
        **{f"pair.{layer}": (h, h, 1) for layer in range(a.pair_layers)},
        "last": (1, h, 1),
    }
    for name, shape in affine.items():
        yield f"{name}.weight", shape
        yield f"{name}.bias", shape[:1]
    yield "bilinear", (1,)
    yield "of_prior", (int(a.has_prior),)


def padded_codes(codes: list[np.ndarray], width: int = 1) -> Tensor:
    """Return sequences as rows of equal length, a multiple of a width, filled up as unknown."""
    n = max(len(own) for own in codes)
    rows = np.full((len(codes), -(-n // width) * width), UNKNOWN, dtype=np.int64)
    for row, own in zip(rows, codes, strict=True):
        row[: len(own)] = own
    return torch.from_numpy(rows)
