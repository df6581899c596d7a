"""Small denoisers are trained as a stack of grouped convolutions faster than one by one.

Figure 7's networks f and g (3 x 3 convolutions, two hidden layers), with 3 and with 20 channels in
f, gd with k = 12, 16 models, 4 to 8 patches of 16 x 16 to 40 x 40 a model: a step of Adam on all
patches. Compared are the stack that the package uses (grouped convolutions, channels last), the
same in torch's default layout, batched matrix products over unfolded patches, and the models one
by one, each a stack of one, as the denoiser trains it. Printed are ratios of CPU times, one by one
over stack, on one thread: above 1 the stack is faster. Run: python benchmarks/denoiser_stack.py
"""

from __future__ import annotations

import sys

import torch
import torch.nn.functional as F
from _timing import interleaved_medians
from threadpoolctl import threadpool_limits

from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.estimators.denoiser import architecture_of
from sklearn_reasoning.estimators.denoiser._denoising_model import (
    Convolutions,
    DenoisingModel,
    PatchLoss,
)
from sklearn_reasoning.estimators.denoiser._patches import PatchBatch
from sklearn_reasoning.experiments import DenoisingProtocol
from sklearn_reasoning.experiments.denoising._protocol import PARAMETERISATIONS, denoiser_of
from sklearn_reasoning.training._optimizers import StackAdam

N_MODELS, K = 16, 12
SIZES = ((4, 16), (6, 16), (8, 24), (8, 40))  # patches, and their side


class PlainLayout(torch.nn.Module):
    """Grouped convolutions with the channels first."""

    def __init__(self, grouped: Convolutions) -> None:
        super().__init__()
        self.n_models = grouped.n_models
        self.weights = torch.nn.ParameterList(
            [weight.detach().contiguous() for weight in grouped.weights]
        )
        self.biases = torch.nn.ParameterList([bias.detach().clone() for bias in grouped.biases])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the grouped convolutions return."""
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = F.conv2d(x, weight, bias, padding=1, groups=self.n_models)
            x = F.relu(x) if i < last else x
        return x


class Unfolded(PlainLayout):
    """The same as products of each model's weights and its unfolded patches."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the grouped convolutions return."""
        n, _, height, width = x.shape
        models = self.n_models
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            # (models, channels * 9, n * pixels)
            columns = F.unfold(x, 3, padding=1).reshape(n, models, -1, height * width)
            columns = columns.permute(1, 2, 0, 3).flatten(2)
            matrices = weight.reshape(models, -1, columns.shape[1])
            x = torch.baddbmm(bias.reshape(models, -1, 1), matrices, columns)
            x = x.unflatten(2, (n, height * width)).permute(2, 0, 1, 3)
            x = x.reshape(n, -1, height, width)
            x = F.relu(x) if i < last else x
        return x


def stack_step(architecture, noisy, clean, kind):
    """Return a function that takes a step of all models at once."""
    stack = drawn(architecture, range(N_MODELS))
    if kind is not None:
        stack.f, stack.g = kind(stack.f), kind(stack.g)
    return training_step(stack, PatchBatch(noisy, clean))


def single_steps(architecture, noisy, clean):
    """Return a function that takes a step of one model after the other."""
    steps = [
        training_step(drawn(architecture, [i]), PatchBatch(noisy[:, [i]], clean[:, [i]]))
        for i in range(N_MODELS)
    ]

    def step():
        for single in steps:
            single()

    return step


def drawn(architecture, seeds):
    """Return models with initial weights of these seeds."""
    models = DenoisingModel(architecture, (K,) * len(seeds))
    for i, seed in enumerate(seeds):
        models.draw_weights(i, seed)
    return models


def training_step(models, batch):
    """Return a function that takes a step of Adam."""
    criterion = PatchLoss(["l2"] * models.n_models)
    optimizer = StackAdam([group([p for p in models.parameters() if p.requires_grad])])

    def step():
        optimizer.zero_grad()
        criterion(models(batch), batch).sum().backward()
        optimizer.step()

    return step


def group(weights):
    return {"params": weights, "lr": torch.tensor(1e-4), "weight_decay": None}


def main(repeats):
    print(f"{N_MODELS} models; ratios to one by one, whose ms a model and step are in the end")
    print("| f | patches | stack | channels first | unfolded | one by one, ms |")
    print("|---|---|---|---|---|---|")
    protocol, gd = DenoisingProtocol(), get_algorithm("gd")
    for parameterisation in PARAMETERISATIONS[1:]:
        architecture = architecture_of(denoiser_of(protocol, parameterisation, gd, k=1))
        for n, side in SIZES:
            clean = torch.rand(n, N_MODELS, side, side)
            noisy = clean + 0.1 * torch.randn_like(clean)
            seconds = interleaved_medians(
                {
                    "stack": stack_step(architecture, noisy, clean, None),
                    "first": stack_step(architecture, noisy, clean, PlainLayout),
                    "unfolded": stack_step(architecture, noisy, clean, Unfolded),
                    "single": single_steps(architecture, noisy, clean),
                },
                repeats,
            )
            ratios = [seconds["single"] / seconds[name] for name in ("stack", "first", "unfolded")]
            cells = " | ".join(f"{ratio:.1f}" for ratio in ratios)
            own = 1e3 * seconds["single"] / N_MODELS
            name = f"{parameterisation.f_channels} channels"
            print(f"| {name} | {n} of {side} x {side} | {cells} | {own:.1f} |", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
