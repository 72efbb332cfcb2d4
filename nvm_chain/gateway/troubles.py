"""Troubles that pass by themselves: an index without a block at the start. An operator hears of them only if they last."""

import time
from collections.abc import Callable
from typing import Final

from nvm_chain.errors import IndexBehind, NvmChainError

LASTING_SECONDS: Final = 30
"""How long the index may lack a block before that is told, and after which time it is told again."""
GAP_SECONDS: Final = 10
"""After so long without a trouble, the next one is a new one. The feed of the books tries again twice a second."""


class PatientTeller:
    """Tells of troubles at once, except of an index that is behind. Of that one it tells when it has lasted for some time.

    A new gateway opens its books before the follower has written the first block. So an index that is behind is an ordinary
    start, or a follower that does not get on. Only one thread may tell of the index.
    """

    def __init__(self, tell: Callable[[NvmChainError], object], *, clock: Callable[[], int] | None = None) -> None:
        """Take the function that tells an operator."""
        self._tell, self._clock = tell, clock or _read_clock
        self._since = self._last = self._clock() - GAP_SECONDS - 1

    def __call__(self, error: NvmChainError) -> None:
        """Tell of a trouble, or wait whether it lasts."""
        if not isinstance(error, IndexBehind) or self._lasts():
            self._tell(error)

    def _lasts(self) -> bool:
        now = self._clock()
        if now - self._last > GAP_SECONDS:
            self._since = now
        self._last = now
        if now - self._since < LASTING_SECONDS:
            return False
        self._since = now
        return True


def _read_clock() -> int:
    return int(time.monotonic())
