"""Experiments: the paper's figures, and the demo."""

from ._claims import FIGURES, Claim
from ._denoising_protocol import DenoisingProtocol
from ._protocol import Protocol
from ._reproduce import Reproduction, reproduce

__all__ = ["FIGURES", "Claim", "DenoisingProtocol", "Protocol", "Reproduction", "reproduce"]
