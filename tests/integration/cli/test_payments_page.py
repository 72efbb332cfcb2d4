"""The first program of docs/payments.md on a node, where its text says that it runs too."""

import subprocess
import sys

from tests.integration.cli.conftest import Shell
from tests.support.documents import DOCS, read_programs
from tests.support.shell import clean_environment

PROGRAM = next(program for program in read_programs(DOCS / "payments.md") if "BUILDER_KEY" in program.source)


def test_constructing__on_anvil_with_a_key_from_the_environment__is_the_same_program(shell: Shell) -> None:
    chain = shell.world.chain
    before = chain.web3.eth.block_number
    builder = chain.accounts[3]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.source],
        cwd=shell.folder,
        env=clean_environment(CHAIN=shell.url, BUILDER_KEY="0x" + bytes(builder.key).hex()),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == PROGRAM.output
    assert chain.web3.eth.block_number == before + 1
    (transaction,) = chain.web3.eth.get_block("latest", full_transactions=True)["transactions"]
    assert not isinstance(transaction, bytes)
    assert transaction["from"] == builder.address
