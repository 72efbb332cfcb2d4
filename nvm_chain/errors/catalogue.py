"""The list of all errors, for documentation and tests."""

from nvm_chain.errors.base import NvmChainError

_HOME = "nvm_chain.errors."


def list_errors() -> list[type[NvmChainError]]:
    """Return every class of error that can be raised, without the families. Errors of the contracts come last.

    A class's ``__doc__`` says when it is raised, ``field_names`` are its fields, ``problem`` and ``next_step`` are its
    templates, and ``link`` is the command that describes it.

    >>> [error.__name__ for error in list_errors()][:1]
    ['KeyFailure']
    """
    found = [NvmChainError]
    for item in found:
        found += [child for child in item.__subclasses__() if child.__module__.startswith(_HOME)]
    return sorted(
        (item for item in found if item.problem), key=lambda item: item.__module__.startswith(f"{_HOME}contract.")
    )
