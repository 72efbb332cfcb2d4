"""Numbers in the answers of nodes."""


def read_number(value: object) -> object:
    """Return a number that may be written as hex text."""
    return int(value, 16) if isinstance(value, str) else value


def check_number(value: object) -> int:
    """Return a number that a node gave. Raises ValueError if a chain cannot have it."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 256:
        raise ValueError("not a number of a chain")
    return value
