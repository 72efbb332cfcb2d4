"""The code of Credits at any address and chain id, for vectors from other chains.

The code does not contain the EIP-712 domain, so it is the same code everywhere.
"""

from typing import Any

from web3.contract.contract import Contract, ContractFunction

from nvm_chain.chain.client import Chain
from tests.support.reentry import encode

CALLER = b"\xca" * 20


class Elsewhere:
    """The code of a Credits on an embedded chain. Tests call it at any address and chain id."""

    def __init__(self, chain: Chain) -> None:
        """Read the code."""
        self.credits: Contract = chain.credits
        self._code = bytes(chain.web3.eth.get_code(chain.credits.address))
        self._backend: Any = chain.web3.provider.ethereum_tester.backend  # type: ignore[attr-defined]

    def call(self, function: ContractFunction, *, chain_id: int, address: str) -> bytes:
        """Return the answer to a call of the code at an address on a chain with this id."""
        vm = self._backend.chain.get_vm()
        vm.state.execution_context._chain_id = chain_id
        done = vm.execute_bytecode(
            origin=CALLER,
            gas_price=0,
            gas=1_000_000,
            to=bytes.fromhex(address[2:]),
            sender=CALLER,
            value=0,
            data=bytes.fromhex(encode(function)[2:]),
            code=self._code,
            code_address=CALLER,  # low addresses would be taken for precompiled contracts
        )
        done.raise_if_error()
        return bytes(done.output)
