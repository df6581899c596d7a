"""The order of the gallery: from a first fit to the theory."""

_ORDER = (
    "plot_digits",
    "plot_which_algorithm",
    "plot_portfolio",
    "plot_long_only",
    "plot_dispatch",
    "plot_unmixing",
    "plot_monotone_curve",
    "plot_sparse_codes",
    "plot_sudoku",
    "plot_fold",
    "plot_few_shot",
    "plot_stopped_at_k",
    "plot_batched_search",
    "plot_denoise_photograph",
    "plot_certificate",
    "plot_polynomials",
    "plot_own_algorithm",
)


class GalleryOrder:
    """A key to sort examples by; sphinx-gallery makes one for each folder."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, filename):
        """Return the place of an example; one that is not listed is an error."""
        return _ORDER.index(filename.removesuffix(".py"))
