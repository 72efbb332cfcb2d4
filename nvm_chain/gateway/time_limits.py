"""How long a request may go on: as long as something of its answer arrives and is taken, while its hold lasts, within a limit."""

from math import inf
from typing import Final

from nvm_chain.errors.fields import Seconds
from nvm_chain.gateway.settings import ServiceSettings

AHEAD: Final = 0.5
"""A hold is prolonged when this part of the time for a request is left of it."""
PAUSE: Final = 0.125
"""After this part of the time for a request, a hold is asked for again that could not be prolonged."""


class TimeLimit:
    """When a request is over, by the clock of the loop."""

    def __init__(self, own: ServiceSettings, now: float, *, has_hold: bool) -> None:
        """Begin at a time. A request with a hold has the hold for as long as an answer may take to begin."""
        self._wait: Seconds = own.request_seconds
        self._last_piece = now
        self._hold_end = now + self._wait if has_hold else inf
        self._most_end = now + own.longest_seconds
        self._ask_again_at = now

    @property
    def end(self) -> float:
        """When the request is over if nothing more happens."""
        return min(self._last_piece + self._wait, self._hold_end, self._most_end)

    def note_piece(self, now: float) -> None:
        """Note that a piece of the answer was taken."""
        self._last_piece = now

    def wants_more(self, now: float) -> bool:
        """Return whether the hold ends soon, and before the request would."""
        is_short = min(self._last_piece + self._wait, self._most_end) > self._hold_end
        return is_short and now >= max(self._hold_end - AHEAD * self._wait, self._ask_again_at)

    def note_asked(self, now: float) -> None:
        """Note that the hold is being prolonged."""
        self._ask_again_at = now + PAUSE * self._wait

    def note_prolonged(self, asked_at: float, seconds: Seconds) -> None:
        """Note that the hold lasts for some seconds from when it was asked for."""
        self._hold_end = max(self._hold_end, asked_at + seconds)

    def find_next_look(self, now: float) -> float:
        """Return when to look again."""
        return min(self.end, now + PAUSE * self._wait)
