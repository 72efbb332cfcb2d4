"""The data of the transactions that deploy, and the addresses that follow from the data. No network."""

from typing import Final, Literal, TypeAlias

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.records import RecordedName

CREATE2_PROXY: Final = ChecksumAddress(to_checksum_address("0x4e59b44847b379578588920cA78FbF26c0B4956C"))
"""The deterministic-deployment proxy (Arachnid), at this address on most chains, Base among them."""
SALTS: Final[dict[RecordedName, bytes]] = {
    "Credits": keccak(text="nvm_chain Credits"),
    "AgentRegistry": keccak(text="nvm_chain AgentRegistry"),
}
ARGUMENTS: Final[dict[RecordedName, str]] = {"Credits": "feeOwner", "AgentRegistry": "credits"}
"""The name of each contract's constructor argument in the deployment records."""

Method: TypeAlias = Literal["CREATE2", "CREATE"]


def build_creation(
    contract: RecordedName, argument: ChecksumAddress, method: Method
) -> tuple[str, ChecksumAddress | None]:
    """Return the data and the receiver of the transaction that deploys a contract. The receiver is None for CREATE."""
    code = read_artifact(contract).encode_creation(argument)
    return ("0x" + (SALTS[contract] + code).hex(), CREATE2_PROXY) if method == "CREATE2" else ("0x" + code.hex(), None)


def compute_create2_address(argument: ChecksumAddress, contract: RecordedName = "Credits") -> ChecksumAddress:
    """Compute the CREATE2 address of Credits or AgentRegistry (EIP-1014). No network.

    ``argument`` is the fee owner for Credits, and the address of Credits for AgentRegistry. The result is the same on
    every chain that has the deterministic-deployment proxy.
    """
    code_hash = keccak(read_artifact(contract).encode_creation(argument))
    digest = keccak(b"\xff" + bytes.fromhex(CREATE2_PROXY[2:]) + SALTS[contract] + code_hash)
    return to_checksum_address(digest[12:])
