"""The chains of tests: the blocks of one test do not cost those of a later test their states."""

from tests.support.anvil import FORGETS
from tests.support.world import World

BLOCKS = int(FORGETS[1]) - 1


def test_states__of_blocks_that_are_mined_again__are_kept_and_their_fees_equal(node: World) -> None:
    node.revert_to(node.take_snapshot())
    start, fees = node.chain.read_block(), set()
    for _ in range(4):
        snapshot = node.take_snapshot()
        for number in range(1, BLOCKS + 1):
            node.mine_at(start.timestamp + 60 + number)
        counts = [node.chain.count_sent(node.builder.address, start.number + number) for number in range(1, BLOCKS + 1)]
        assert counts == [0] * BLOCKS
        fees.add(node.chain.web3.eth.get_block("latest")["baseFeePerGas"])
        node.revert_to(snapshot)
    assert len(fees) == 1
