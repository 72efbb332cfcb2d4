"""ranges: how much is asked for at once, after refusals and after answers."""

import pytest

from nvm_chain.chain.ranges import STEADY, PartSize, read_ranges
from nvm_chain.errors import ConnectionFailed, NoContract, RpcFailed


def refuse(size: PartSize, count: int, error: Exception) -> None:
    with size.asking(count):
        raise error


@pytest.mark.parametrize("error", [RpcFailed("too much"), ConnectionFailed("url", "HTTP status 413")], ids=str)
def test_part_size__after_a_refusal__is_half_of_what_was_asked_for(error: Exception) -> None:
    size = PartSize(100, least=3)
    refuse(size, 90, error)
    assert (size.now, size.was_refused) == (45, True)
    with size.asking(45):
        pass
    assert (size.now, size.was_refused) == (45, False)


@pytest.mark.parametrize(
    ("count", "error"),
    [(3, RpcFailed("too much")), (90, ConnectionFailed("url", "refused")), (90, NoContract("0x12", 1))],
    ids=str,
)
def test_part_size__after_a_refusal_that_is_not_about_size__raises_it(count: int, error: Exception) -> None:
    size = PartSize(100, least=3)
    with pytest.raises(type(error)) as caught:
        refuse(size, count, error)
    assert caught.value is error
    assert (size.now, size.was_refused) == (100, False)


@pytest.mark.parametrize(("limit", "grown"), [(None, 80), (100, 80), (60, 60)])
def test_part_size__after_many_answers__doubles_up_to_its_limit(limit: int | None, grown: int) -> None:
    size = PartSize(80, limit=limit)
    refuse(size, 80, RpcFailed("too much"))
    for answered in range(STEADY):
        assert (size.now, answered) == (40, answered)
        with size.asking(40):
            pass
    assert size.now == grown


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("most", [None, 1, 7, 100])
def test_read_ranges__of_a_node_that_takes_three_places__reads_each_once(newest_first: bool, most: int | None) -> None:
    def read(first: int, last: int) -> list[int]:
        if last - first >= 3:
            raise RpcFailed("too much")
        return list(range(first, last + 1))

    parts = list(read_ranges(read, 5, 42, most=most, newest_first=newest_first))
    assert sorted(parts, reverse=newest_first) == parts
    assert sorted(place for part in parts for place in part) == list(range(5, 43))
    assert list(read_ranges(read, 5, 4)) == []
