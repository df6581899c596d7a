"""Properties: numbers that follow from an algorithm's recurrence and the spectrum of Q."""

from ._stable_region import stable_region

__all__ = ["stable_region"]
