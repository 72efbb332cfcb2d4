"""Compare a deployment with its record and with the packaged artifact."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.client import Chain
from nvm_chain.chain.records import DeploymentRecord
from nvm_chain.operations.deployment.creation import ARGUMENTS, build_creation, compute_create2_address
from nvm_chain.types.addresses import parse_address


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of a deployment check."""

    name: str
    expected: str
    actual: str

    @property
    def ok(self) -> bool:
        """Whether the expected and the actual text are equal."""
        return self.expected == self.actual


def check_deployment(chain: Chain, record: DeploymentRecord) -> list[Check]:
    """Compare a record with the chain and with the packaged artifact. One to four requests.

    Raises NoContract if there is no code at the recorded address, or a NetworkError.
    """
    artifact = read_artifact(record.contract)
    address = parse_address(record.address, "recorded address")
    code_hash = "0x" + keccak(chain.read_code(address)).hex()
    checks = [
        Check("chain id", str(record.chain_id), str(chain.chain_id)),
        Check("code on chain is the recorded code", record.runtime_code_hash, code_hash),
        Check("recorded code is the packaged code", artifact.runtime_code_hash, record.runtime_code_hash),
        Check("compiler and settings", str(artifact.compiler), str(record.compiler)),
    ]
    name = ARGUMENTS[record.contract]
    argument = parse_address(record.constructor_arguments.get(name, ""), f"recorded {name}")
    if record.method == "CREATE2":
        follows = compute_create2_address(argument, record.contract)
        checks.append(Check("address follows from code and constructor argument", follows, address))
    if record.contract == "AgentRegistry":
        found = chain.read(chain.bind(address, artifact.abi).functions.credits())
        checks.append(Check("its Credits is the recorded one", argument, found))
    if record.transaction_hash is not None:
        checks += _check_transaction(chain, record, argument)
    return checks


def _check_transaction(chain: Chain, record: DeploymentRecord, argument: ChecksumAddress) -> list[Check]:
    """Compare the recorded transaction with the one on the chain, constructor arguments included."""
    sent = chain.read_sent_transaction(str(record.transaction_hash))
    data, to = build_creation(record.contract, argument, record.method)
    created = chain.read_created_address(str(record.transaction_hash)) if record.method == "CREATE" else record.address
    return [
        Check("address that the transaction created", record.address, str(created)),
        Check("block", str(record.block_number), str(sent["blockNumber"])),
        Check("deployer", str(record.deployer), sent["from"]),
        Check("sent to", str(to), str(sent.get("to"))),
        Check(
            "creation code and constructor arguments",
            "0x" + keccak(hexstr=data).hex(),
            "0x" + keccak(sent["input"]).hex(),
        ),
    ]
