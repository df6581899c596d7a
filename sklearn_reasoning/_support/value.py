"""What is compared, hashed and printed by its options."""


class Value:
    """An immutable value: its attributes are its options."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), tuple(sorted(vars(self).items()))))

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in sorted(vars(self).items()))
        return f"{type(self).__name__}({options})"


def overrides(cls: type, shortcut: str, *names: str) -> bool:
    """Tell whether a class writes one of ``names`` anew and leaves a shortcut to it as it was."""
    order = list(cls.__mro__)

    def place(name: str) -> int:
        return next(i for i, owner in enumerate(order) if name in vars(owner))

    return min(map(place, names)) < place(shortcut)
