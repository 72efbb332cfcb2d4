"""Headers, blooms and receipts, compared with independent implementations and with a real chain."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import rlp
from eth_bloom.bloom import BloomFilter
from trie import HexaryTrie

from nvm_chain.index.blooms import BloomTest, mask_of
from nvm_chain.index.headers import parse_header
from nvm_chain.index.receipts import compute_receipts_root, list_logs
from nvm_chain.index.tries import compute_root, encode_rlp
from tests.support.index_worlds import IndexWorld, run_index_world

ADDRESS, TOPIC, OTHER = b"\x01" * 20, b"\x02" * 32, b"\x03" * 32


@pytest.fixture(scope="module")
def chain() -> Iterator[IndexWorld]:
    """An anvil with many kinds of blocks."""
    with run_index_world() as made:
        made.act(5)
        made.act_at_once(140)
        made.mine(2)
        yield made


@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 127, 128, 129, 300])
def test_compute_root__any_number_of_values__is_that_of_py_trie(count: int) -> None:
    random = Random(count)
    values = [random.randbytes(random.choice([1, 5, 31, 32, 33, 600])) for _ in range(count)]
    trie = HexaryTrie({})
    for number, value in enumerate(values):
        trie[rlp.encode(number)] = value
    assert compute_root(values) == trie.root_hash


@pytest.mark.parametrize(
    "item",
    [b"", b"\x00", b"\x7f", b"\x80", b"a" * 55, b"a" * 56, b"a" * 70_000, [], [b"a", [b"", [b"b" * 60]]]],
    ids=len,
)
def test_encode_rlp__any_item__is_that_of_pyrlp(item: Any) -> None:
    assert encode_rlp(item) == rlp.encode(item)


def test_chain__every_block__has_the_computed_hash_and_root(chain: IndexWorld) -> None:
    for number in range(chain.head + 1):
        header = parse_header(chain.ask("eth_getBlockByNumber", hex(number), False), seals=True)
        receipts = chain.ask("eth_getBlockReceipts", hex(number))
        assert header.is_sealed
        assert compute_receipts_root(receipts) == header.receipts_root
        bloom = BloomFilter()
        for log in list_logs(receipts):
            bloom.extend(bytes.fromhex(each[2:]) for each in (log["address"], *log["topics"]))
        assert int(bloom) == header.bloom


def test_parse_header__changed_field__is_not_sealed(chain: IndexWorld) -> None:
    answer = chain.ask("eth_getBlockByNumber", "0x3", False)
    assert not parse_header({**answer, "timestamp": "0x1"}, seals=True).is_sealed
    assert not parse_header({**answer, "nonce": None}, seals=True).is_sealed


@pytest.mark.parametrize(
    "change",
    [{"hash": "0x12"}, {"parentHash": 5}, {"logsBloom": f"0x{1 << 2048:x}"}, {"number": "0xg"}, {"timestamp": -1}],
    ids=str,
)
def test_parse_header__malformed__is_refused(chain: IndexWorld, change: dict[str, Any]) -> None:
    answer = chain.ask("eth_getBlockByNumber", "0x3", False)
    with pytest.raises((ValueError, TypeError)):
        parse_header({**answer, **change})


def test_compute_receipts_root__deposit_of_an_op_chain__has_its_two_fields() -> None:
    plain = {"type": "0x7e", "status": "0x1", "cumulativeGasUsed": "0xb44c", "logsBloom": f"0x{0:0512x}", "logs": []}
    deposit = {**plain, "depositNonce": "0x5", "depositReceiptVersion": "0x1"}
    fields = [b"\x01", b"\xb4\x4c", bytes(256), []]
    assert compute_receipts_root([plain]) == compute_root([b"\x7e" + rlp.encode(fields)])
    assert compute_receipts_root([deposit]) == compute_root([b"\x7e" + rlp.encode([*fields, b"\x05", b"\x01"])])


def test_list_logs__gap_in_the_numbers__is_refused() -> None:
    with pytest.raises(ValueError, match="missing"):
        list_logs([{"logs": [{"logIndex": "0x1"}]}])


def test_mask_of__any_value__is_that_of_eth_bloom() -> None:
    random = Random(1)
    for _ in range(50):
        value = random.randbytes(random.choice([20, 32]))
        assert mask_of(value) == int(BloomFilter.from_iterable([value]))


def test_bloom_test__address_and_topic__both_have_to_be_there() -> None:
    test = BloomTest({ADDRESS: [TOPIC]})
    assert test.may_have(mask_of(ADDRESS) | mask_of(TOPIC))
    assert not test.may_have(mask_of(ADDRESS) | mask_of(OTHER))
    assert not test.may_have(mask_of(TOPIC))
    assert not test.may_have(0)


@pytest.mark.parametrize(("more_bits", "odds"), [(0, 10**9), (30, 10**9), (230, 10**4), (600, 500), (1500, 2)])
def test_promises__fuller_bloom__promises_less(more_bits: int, odds: int) -> None:
    test = BloomTest({ADDRESS: [TOPIC]})
    ours = mask_of(ADDRESS) | mask_of(TOPIC)
    filled = [bit for bit in range(2048) if not ours >> bit & 1][:more_bits]
    bloom = ours | sum(1 << bit for bit in filled)
    assert test.promises(bloom, odds)
    assert not test.promises(bloom, odds * 10**8)
    assert not test.promises(bloom & ~mask_of(ADDRESS), 0)
