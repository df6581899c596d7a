"""A folder that trains in a fraction of a second, and what it is trained on."""

from sklearn_reasoning import HybridReasoningFolder
from sklearn_reasoning.datasets import make_hairpins

SEQUENCES, STRUCTURES = make_hairpins(24, random_state=0)
FEW, FEW_STRUCTURES = SEQUENCES[:10], STRUCTURES[:10]
MORE, THEIRS = make_hairpins(6, pseudoknots=True, random_state=1)


def folder(**parameters):
    small = {
        "k": 5,
        "sequence_channels": 8,
        "sequence_layers": 1,
        "pair_channels": 8,
        "pair_layers": 1,
        "max_epochs": 2,
        "lr": 1e-2,
        "random_state": 0,
    }
    return HybridReasoningFolder(**small | parameters)
