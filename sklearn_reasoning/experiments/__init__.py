"""Experiments: the paper's figures, and the demo."""

from ._claims import Claim
from ._protocol import Protocol
from ._reproduce import Reproduction, reproduce

__all__ = ["Claim", "Protocol", "Reproduction", "reproduce"]
