"""The paper's figures, run and drawn anew."""

from ._claims import FIGURES, Claim
from ._command_settings import protocols_of as protocols_of
from ._protocol import Protocol
from ._reproduce import Reproduction, reproduce
from .denoising import DenoisingProtocol

__all__ = ["FIGURES", "Claim", "DenoisingProtocol", "Protocol", "Reproduction", "reproduce"]
