"""The meter's time: one second for everything that is signed or checked."""


def find_now(block_time: int, clock_time: int) -> int:
    """Return the second that the meter counts from: the later of the latest block's time and this machine's clock.

    What is signed here counts from this second. What is checked is over as soon as this second is past its end, so it is over
    as soon as either of the two says so.

    >>> find_now(1_800_000_007, 1_800_000_000)
    1800000007
    """
    return max(block_time, clock_time)
