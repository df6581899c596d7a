"""What every display needs before it draws."""

__all__ = ["COLORS", "check_matplotlib"]

# Okabe and Ito's colours, which colour-blind readers tell apart, without their pale yellow.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def check_matplotlib(caller: str) -> None:
    """Raise an ImportError that says how to get matplotlib, if it is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib. Install it with pip install matplotlib, or with this "
            "package's extra [plot]."
        ) from error
