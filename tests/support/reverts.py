"""Checks of errors with all their fields."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nvm_chain.errors import NvmChainError


@contextmanager
def reverts(expected: NvmChainError) -> Iterator[None]:
    """Expect exactly this error: the same class with the same fields."""
    with pytest.raises(NvmChainError) as caught:
        yield
    assert type(caught.value) is type(expected), caught.value
    assert caught.value.args == expected.args
