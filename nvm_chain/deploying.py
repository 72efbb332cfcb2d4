"""Deploy Credits and AgentRegistry and check a deployment: the same steps for the command line, for Ape's scripts and for tests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from nvm_chain.addresses import parse_address
from nvm_chain.artifacts import Artifact, read_artifact
from nvm_chain.chain import Chain, summarize
from nvm_chain.deployments import DeploymentRecord, RecordedName, find_record, prepare_folder, write_record
from nvm_chain.embedded import deploy_test_usdc
from nvm_chain.errors import DeploymentMismatch, InsufficientCoin, NoContract, PendingTransactions
from nvm_chain.keys import Signer
from nvm_chain.types import Transaction
from nvm_chain.units import NATIVE_DECIMALS, format_units

CREATE2_PROXY: Final = ChecksumAddress(to_checksum_address("0x4e59b44847b379578588920cA78FbF26c0B4956C"))
"""The deterministic-deployment proxy (Arachnid), at this address on most chains, Base among them."""
SALTS: Final[dict[RecordedName, bytes]] = {
    "Credits": keccak(text="nvm_chain Credits"),
    "AgentRegistry": keccak(text="nvm_chain AgentRegistry"),
}
ARGUMENTS: Final[dict[RecordedName, str]] = {"Credits": "feeOwner", "AgentRegistry": "credits"}
"""The one constructor argument of each, as the records name it."""
CONSTRUCTOR_GAS: Final = 400_000
"""More than a constructor takes beside its code; what is left over is not paid for."""

Method = Literal["CREATE2", "CREATE"]


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """What a deployment will do and what it costs at most, before anything is sent."""

    chain_id: int
    method: Method
    reason: str
    address: ChecksumAddress | None
    """Where Credits will be; None if a plain CREATE decides it when it is mined."""
    credits_deployed: bool
    agents_address: ChecksumAddress | None
    """Where AgentRegistry will be; None as above."""
    agents_deployed: bool
    deployer: ChecksumAddress
    balance_wei: int
    fee_owner: ChecksumAddress
    gas: int
    max_cost_wei: int

    @property
    def already_deployed(self) -> bool:
        """Whether there is nothing left to do."""
        return self.credits_deployed and self.agents_deployed


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of a deployment check."""

    name: str
    expected: str
    actual: str

    @property
    def ok(self) -> bool:
        """Whether both sides agree."""
        return self.expected == self.actual


def plan_deployment(
    chain: Chain, deployer: str, fee_owner: str, *, create2: bool = True, folder: Path | None = None
) -> DeploymentPlan:
    """Find out how Credits and its AgentRegistry would be deployed, where, and for how much; sends nothing.

    Uses CREATE2 through the deterministic-deployment proxy where the chain has it, so that the same fee owner gets the
    same addresses on every chain; a plain CREATE otherwise, or with ``create2=False``. What is there already, by CREATE2
    or by the records in ``folder``, is found. Five to nine requests. Raises InvalidAddress, InvalidRecord.
    """
    sender, owner = parse_address(deployer, "deployer address"), parse_address(fee_owner, "fee owner address")
    method, reason = _choose_method(chain, create2)
    credits, credits_there = _locate(chain, "Credits", owner, method, folder)
    agents, agents_there = (None, False)
    if credits is not None:
        agents, agents_there = _locate(chain, "AgentRegistry", credits, method, folder)
    gas = 0 if credits_there else _estimate(chain, sender, "Credits", owner, method)
    if not agents_there:
        known = credits if credits_there else None
        gas += _estimate(chain, sender, "AgentRegistry", known, method) if known else _bound_gas("AgentRegistry")
    return DeploymentPlan(
        chain_id=chain.chain_id,
        method=method,
        reason=reason,
        address=credits,
        credits_deployed=credits_there,
        agents_address=agents,
        agents_deployed=agents_there,
        deployer=sender,
        balance_wei=chain.read_coin_balance(sender),
        fee_owner=owner,
        gas=gas,
        max_cost_wei=gas * chain.read_fees()[0] if gas else 0,
    )


def _locate(
    chain: Chain, contract: RecordedName, argument: ChecksumAddress, method: Method, folder: Path | None
) -> tuple[ChecksumAddress | None, bool]:
    """Return where a contract is or will be, if that is known, and whether it is there."""
    if method == "CREATE2":
        address: ChecksumAddress | None = compute_create2_address(argument, contract)
    else:
        address = _recorded_address(chain, contract, argument, folder)
    there = address is not None and chain.has_code(address)
    return (address if there or method == "CREATE2" else None), there


def _choose_method(chain: Chain, create2: bool) -> tuple[Method, str]:
    if not create2:
        return "CREATE", "as asked for"
    if chain.has_code(CREATE2_PROXY):
        return "CREATE2", f"the deterministic-deployment proxy is at {CREATE2_PROXY}: same address on every chain"
    return "CREATE", f"this chain has no deterministic-deployment proxy at {CREATE2_PROXY}: the address will differ"


def compute_create2_address(argument: ChecksumAddress, contract: RecordedName = "Credits") -> ChecksumAddress:
    """Compute where Credits of a fee owner, or AgentRegistry of a Credits, is on every chain that has the proxy (EIP-1014).

    No network.
    """
    code_hash = keccak(read_artifact(contract).encode_creation(argument))
    digest = keccak(b"\xff" + bytes.fromhex(CREATE2_PROXY[2:]) + SALTS[contract] + code_hash)
    return to_checksum_address(digest[12:])


def _recorded_address(
    chain: Chain, contract: RecordedName, argument: ChecksumAddress, folder: Path | None
) -> ChecksumAddress | None:
    record = find_record(chain.chain_id, folder, contract)
    if record is None or record.constructor_arguments.get(ARGUMENTS[contract]) != argument:
        return None
    return parse_address(record.address, "recorded address")


def _estimate(
    chain: Chain, deployer: ChecksumAddress, contract: RecordedName, argument: ChecksumAddress, method: Method
) -> int:
    data, to = _creation(contract, argument, method)
    return chain.estimate_gas(deployer, data, to)


def _bound_gas(contract: RecordedName) -> int:
    """Return more gas than a deployment takes that no node can estimate yet, as what it refers to is not there."""
    artifact = read_artifact(contract)
    calldata = sum(16 if byte else 4 for byte in artifact.creation_code)
    return calldata + 200 * len(artifact.runtime_code) + CONSTRUCTOR_GAS


def _creation(contract: RecordedName, argument: ChecksumAddress, method: Method) -> tuple[str, ChecksumAddress | None]:
    """Return call data and receiver of the transaction that deploys."""
    code = read_artifact(contract).encode_creation(argument)
    return ("0x" + (SALTS[contract] + code).hex(), CREATE2_PROXY) if method == "CREATE2" else ("0x" + code.hex(), None)


def describe_plan(plan: DeploymentPlan) -> list[tuple[str, str]]:
    """Return what a deployment will do and cost as pairs of label and text, for people to read before they agree."""
    missing = [
        name
        for name, there in (("Credits", plan.credits_deployed), ("AgentRegistry", plan.agents_deployed))
        if not there
    ]
    action = f"deploy {' and '.join(missing)} by {plan.method}" if missing else "nothing: it is deployed already"
    later = "decided when it is mined"
    cost = f"{plan.gas:,} gas, at most {format_units(plan.max_cost_wei, NATIVE_DECIMALS)} coins"
    return [
        ("chain", str(plan.chain_id)),
        ("action", action),
        ("why", plan.reason),
        ("address", plan.address or later),
        ("agents", plan.agents_address or later),
        ("fee owner", f"{plan.fee_owner} (sets the protocol fee of future plans, at most 10 %, and nothing else)"),
        ("deployer", f"{plan.deployer} with {format_units(plan.balance_wei, NATIVE_DECIMALS)} coins"),
        ("cost", "none" if plan.already_deployed else cost),
    ]


def require_funds(plan: DeploymentPlan) -> None:
    """Raise InsufficientCoin if the deployer cannot pay for what the plan does."""
    if plan.balance_wei < plan.max_cost_wei:
        raise InsufficientCoin(plan.deployer, plan.balance_wei, plan.max_cost_wei)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The records of both contracts."""

    credits: DeploymentRecord
    agents: DeploymentRecord


def deploy_contracts(
    chain: Chain, signer: Signer, plan: DeploymentPlan, *, folder: Path | None = None, usdc: str | None = None
) -> Deployment:
    """Do what the plan says, check the code that is there then, and write a record of each contract.

    Safe to run twice: what is deployed is not deployed again. ``usdc`` goes to the record of Credits, for chains with a
    TestUSDC. Up to two transactions. A record is written as soon as its deployment is mined and not before, so a failure
    leaves none behind. Raises InsufficientCoin, RecordNotWritable, PendingTransactions, DeploymentMismatch, NotMined,
    OutcomeUnknown, or a NetworkError.
    """
    require_funds(plan)
    prepare_folder(folder)
    credits = _deploy(chain, signer, plan, "Credits", folder, usdc)
    return Deployment(credits, _deploy(chain, signer, plan, "AgentRegistry", folder, None))


def _deploy(
    chain: Chain, signer: Signer, plan: DeploymentPlan, contract: RecordedName, folder: Path | None, usdc: str | None
) -> DeploymentRecord:
    """Deploy one contract unless it is there, use it, and write its record; AgentRegistry after Credits."""
    if contract == "Credits":
        argument, address, there, use = plan.fee_owner, plan.address, plan.credits_deployed, chain.use_credits
    else:
        argument, address, there, use = (
            chain.credits.address,
            plan.agents_address,
            plan.agents_deployed,
            chain.use_agents,
        )
    transaction: Transaction | None = None
    if not there:
        _check_pending(chain, plan)
        data, to = _creation(contract, argument, plan.method)
        receipt = chain.send_data(signer, data, to)
        address, transaction = address or receipt["contractAddress"], summarize(receipt)
    if address is None:
        raise NoContract("an unknown address", chain.chain_id)
    record = _build_record(chain, plan, contract, argument, address, transaction=transaction, folder=folder, usdc=usdc)
    if there:
        use(address)
        write_record(record, folder)
        return record
    path = write_record(record, folder)
    try:
        use(address)
    except (DeploymentMismatch, NoContract):
        path.unlink()
        raise
    return record


def _check_pending(chain: Chain, plan: DeploymentPlan) -> None:
    """Refuse a second CREATE while the first may still be mined. A second CREATE2 would fail by itself."""
    count = chain.count_pending(plan.deployer) if plan.method == "CREATE" else 0
    if count > 0:
        raise PendingTransactions(plan.deployer, count)


def find_or_deploy_usdc(chain: Chain, signer: Signer, folder: Path | None = None) -> str:
    """Return the recorded TestUSDC if it is still there, else deploy one, so that running twice deploys one."""
    record = find_record(chain.chain_id, folder)
    if record is not None and record.usdc is not None and chain.has_code(parse_address(record.usdc)):
        return record.usdc
    return deploy_test_usdc(chain, signer)


def _build_record(
    chain: Chain,
    plan: DeploymentPlan,
    contract: RecordedName,
    argument: ChecksumAddress,
    address: ChecksumAddress,
    *,
    transaction: Transaction | None,
    folder: Path | None,
    usdc: str | None,
) -> DeploymentRecord:
    """Describe a deployment; one that was there before keeps what its record said of who made it and when."""
    artifact: Artifact = read_artifact(contract)
    known = find_record(chain.chain_id, folder, contract) if transaction is None else None
    if known is not None and known.address != address:
        known = None
    return DeploymentRecord(
        contract=contract,
        chain_id=chain.chain_id,
        address=address,
        method=plan.method,
        salt="0x" + SALTS[contract].hex() if plan.method == "CREATE2" else None,
        block_number=transaction.block_number if transaction else known.block_number if known else None,
        transaction_hash=transaction.hash if transaction else known.transaction_hash if known else None,
        deployer=plan.deployer if transaction else known.deployer if known else None,
        constructor_arguments={ARGUMENTS[contract]: argument},
        compiler=artifact.compiler,
        runtime_code_hash=artifact.runtime_code_hash,
        usdc=usdc or (known.usdc if known else None),
    )


def check_deployment(chain: Chain, record: DeploymentRecord) -> list[Check]:
    """Compare a record with the chain and with the packaged artifact. Three to six requests.

    Raises NoContract if nothing is at the recorded address, or a NetworkError.
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
    data, to = _creation(record.contract, argument, record.method)
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
