"""Errors for arguments under the former name of a parameter. The error tells the new name."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from nvm_chain.errors import RenamedParameter

P = ParamSpec("P")
Answer = TypeVar("Answer")


def renamed_parameters(**renames: str) -> Callable[[Callable[P, Answer]], Callable[P, Answer]]:
    """Make a function refuse the former names of its parameters. The error tells what to write instead.

    Args:
        renames: For each former name, the new name or an instruction.

    >>> @renamed_parameters(pay="payment_method")
    ... def order(payment_method=None): ...
    >>> try:
    ...     order(pay="permit")
    ... except RenamedParameter as error:
    ...     print(error)
    order() has no parameter pay. Give it as `payment_method`.
    """

    def decorate(function: Callable[P, Answer]) -> Callable[P, Answer]:
        @wraps(function)
        def call(*arguments: P.args, **named: P.kwargs) -> Answer:
            for was in renames.keys() & named.keys():
                advice = renames[was]
                raise RenamedParameter(
                    function.__name__, was, f"give it as `{advice}`" if advice.isidentifier() else advice
                )
            return function(*arguments, **named)

        return call

    return decorate
