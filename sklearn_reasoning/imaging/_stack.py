"""Small denoisers of one architecture, trained as one torch module."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from sklearn_reasoning._training_context import training_context
from sklearn_reasoning.energies import DiagonalQuadratic
from sklearn_reasoning.layer import minimize
from sklearn_reasoning.layer._step_size import ClampKeepingGradient
from sklearn_reasoning.training._optimizers import StackAdam

from ._module import Convolutions, DenoisingModule, convolve, kernel_shapes, predict_energy
from ._rates import parameter_groups, set_rate
from ._settings import DenoiserArchitecture, DenoiserSettings


class GroupedConvolutions(nn.Module):
    """The networks of :class:`Convolutions` of several models, as grouped convolutions.

    Parameters
    ----------
    n_models : int
    cells, channels, n_hidden : int
        As for :class:`Convolutions`, of each model.
    """

    def __init__(self, n_models: int, cells: int, channels: int, n_hidden: int) -> None:
        super().__init__()
        self.n_models = n_models
        shapes = [(n_models * s[0], *s[1:]) for s in kernel_shapes(cells, channels, n_hidden)]
        self.weights = nn.ParameterList(
            [
                torch.zeros(s, dtype=torch.float32).contiguous(memory_format=torch.channels_last)
                for s in shapes
            ]
        )
        self.biases = nn.ParameterList([torch.zeros(s[0], dtype=torch.float32) for s in shapes])

    def forward(self, x: Tensor) -> Tensor:
        """Return images of shape (n, n_models * cells, height, width), as they came."""
        return convolve(x, self.weights, self.biases, groups=self.n_models)

    def of_model(self, model: int, single: Convolutions) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each parameter's part that is a model's, with the parameter of its own module."""
        for whole, alone in (
            *zip(self.weights, single.weights, strict=True),
            *zip(self.biases, single.biases, strict=True),
        ):
            yield whole.unflatten(0, (self.n_models, -1))[model], alone


class DenoisingStack(nn.Module):
    """Denoisers that differ in weights and step sizes, evaluated as one tensor program.

    Parameters
    ----------
    architecture : DenoiserArchitecture
        Of each model.
    n_models : int

    Attributes
    ----------
    f, g : GroupedConvolutions or None
        None where they are turned off.
    step_size : Parameter of shape (n_models,), float64, or None
        None for algorithms without one.
    """

    def __init__(self, architecture: DenoiserArchitecture, n_models: int) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.n_models = n_models
        cells = a.shuffle**2
        self.f = self.g = None
        if a.f_layers:
            self.f = GroupedConvolutions(n_models, cells, a.f_channels, a.f_layers)
        if a.g_layers:
            self.g = GroupedConvolutions(n_models, cells, a.g_channels, a.g_layers)
        self.step_size: nn.Parameter | None = None
        if a.step_size is not None:
            sizes = torch.full((n_models,), a.step_size, dtype=torch.float64)
            self.step_size = nn.Parameter(sizes, requires_grad=a.learn_step_size)

    @torch.no_grad()
    def draw_weights(self, seeds: Sequence[int]) -> None:
        """Draw each model's initial weights, those that its own module has for the seed."""
        module = DenoisingModule(self.architecture)
        for model, seed in enumerate(seeds):
            module.draw_weights(seed)
            for whole, alone in self._of_model(model, module):
                whole.copy_(alone)

    @torch.no_grad()
    def model(self, model: int) -> DenoisingModule:
        """Return one of the models as a module of its own, with copies of its weights."""
        module = DenoisingModule(self.architecture)
        for whole, alone in self._of_model(model, module):
            alone.copy_(whole)
        return module

    def _of_model(self, model: int, module: DenoisingModule) -> Iterator[tuple[Tensor, Tensor]]:
        for whole, alone in ((self.f, module.f), (self.g, module.g)):
            if whole is not None and alone is not None:
                yield from whole.of_model(model, alone)
        if self.step_size is not None:
            alone_size = module.layer._step_size
            assert alone_size is not None
            yield self.step_size[model], alone_size

    def forward(self, x: Tensor) -> Tensor:
        """Return the restored images.

        Parameters
        ----------
        x : Tensor of shape (n, n_models, height, width)
            Noisy grey images, n for each model, whose sides are multiples of ``shuffle``.

        Returns
        -------
        Tensor of shape (n, n_models, height, width)
        """
        a = self.architecture
        diagonal, b = predict_energy(a, self.f, self.g, x)
        energy = DiagonalQuadratic(diagonal.unsqueeze(-1), b.unsqueeze(-1))
        y = minimize(a.algorithm, energy, a.k, self._phi(x), 1.0, a.L)
        return y.squeeze(-1)

    def _phi(self, x: Tensor) -> Tensor | None:
        if self.step_size is None:
            return None
        low, high = self.architecture.step_size_range or (0.0, math.inf)
        clamped: Tensor = ClampKeepingGradient.apply(self.step_size, low, high)  # type: ignore[no-untyped-call]
        return clamped.to(x.dtype).reshape(-1, 1, 1, 1)


def patch_losses(restored: Tensor, clean: Tensor, loss: str) -> Tensor:
    """Return each model's mean over patches of the mean squared error, or of its root.

    Parameters
    ----------
    restored, clean : Tensor of shape (n, n_models, height, width)
    loss : {"squared", "l2"}

    Returns
    -------
    Tensor of shape (n_models,)
    """
    error = (restored - clean).flatten(2)
    if loss == "squared":
        return error.square().mean(dim=(0, 2))
    length: Tensor = torch.linalg.vector_norm(error, dim=2).mean(dim=0)
    return length / math.sqrt(error.shape[2])


def train_stack(
    architecture: DenoiserArchitecture,
    settings: DenoiserSettings,
    noisy: Tensor,
    clean: Tensor,
    *,
    seeds: Sequence[int],
    loss: str,
) -> DenoisingStack:
    """Train a model on each of several sets of patches; every step sees all patches of a set.

    Each model is trained as it would be alone: up to rounding it gets the same weights. A model
    that leaves the finite numbers leaves the others alone.

    Parameters
    ----------
    architecture : DenoiserArchitecture
    settings : DenoiserSettings
        Training is in float32 whatever ``mixed_precision`` says: so small convolutions gain
        nothing from less.
    noisy, clean : Tensor of shape (n, n_models, height, width)
        n patches for each model.
    seeds : sequence of n_models int
        Of the initial weights.
    loss : {"squared", "l2"}

    Returns
    -------
    DenoisingStack
    """
    with training_context():
        stack = DenoisingStack(architecture, noisy.shape[1])
        stack.draw_weights(seeds)
        sizes = [] if stack.step_size is None else [stack.step_size]
        optimizer = StackAdam(parameter_groups(stack, sizes, settings))
        low, high = architecture.step_size_range or (0.0, math.inf)
        for step in range(settings.max_steps):
            set_rate(optimizer, settings, step)
            optimizer.zero_grad()
            total = patch_losses(stack(noisy), clean, loss).sum()
            if not total.requires_grad:  # k = 0: nothing to learn
                break
            total.backward()
            optimizer.step()
            if stack.step_size is not None:
                stack.step_size.data.clamp_(low, high)
    return stack
