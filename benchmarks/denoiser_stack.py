"""Small denoisers are trained as a stack of grouped convolutions faster than one by one.

Figure 7's networks f and g (3 x 3 convolutions, two hidden layers), with 3 and with 20 channels in
f, gd with k = 12, 16 models, 4 to 8 patches of 16 x 16 to 40 x 40 a model: a step of Adam on all
patches. Compared are the stack that the package uses (grouped convolutions, channels last), the
same in torch's default layout, batched matrix products over unfolded patches, and the models one
by one, each with the denoiser's own module. Printed are ratios of CPU times, one by one over
stack, on one thread: above 1 the stack is faster. Run: python benchmarks/denoiser_stack.py
"""

from __future__ import annotations

import sys

import torch
import torch.nn.functional as F
from _timing import interleaved_medians
from sklearn_reasoning.imaging._module import DenoisingModule, PatchLoss
from sklearn_reasoning.imaging._stack import DenoisingStack, GroupedConvolutions, patch_losses
from threadpoolctl import threadpool_limits

from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.experiments import DenoisingProtocol
from sklearn_reasoning.experiments._denoising_protocol import PARAMETERISATIONS
from sklearn_reasoning.training._optimizers import StackAdam

N_MODELS = 16
SIZES = ((4, 16), (6, 16), (8, 24), (8, 40))  # patches, and their side


class PlainLayout(torch.nn.Module):
    """Grouped convolutions with the channels first."""

    def __init__(self, grouped: GroupedConvolutions) -> None:
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
    stack = DenoisingStack(architecture, N_MODELS)
    stack.draw_weights(range(N_MODELS))
    if kind is not None:
        stack.f, stack.g = kind(stack.f), kind(stack.g)
    weights = [p for p in stack.parameters() if p.requires_grad]
    optimizer = StackAdam([group(weights)])

    def step():
        optimizer.zero_grad()
        patch_losses(stack(noisy), clean, "l2").sum().backward()
        optimizer.step()

    return step


def single_steps(architecture, noisy, clean):
    """Return a function that takes a step of one model after the other."""
    criterion, models = PatchLoss("l2"), []
    for i in range(N_MODELS):
        module = DenoisingModule(architecture)
        module.draw_weights(i)
        optimizer = StackAdam([group([p for p in module.parameters() if p.requires_grad])])
        models.append((module, optimizer, noisy[:, [i]], clean[:, [i]]))

    def step():
        for module, optimizer, x, y in models:
            optimizer.zero_grad()
            criterion(module(x), y).backward()
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
        architecture = protocol.architecture(parameterisation, gd, 12)
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
