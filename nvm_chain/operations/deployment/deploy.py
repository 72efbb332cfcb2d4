"""Carry out a deployment plan: deploy Credits and AgentRegistry, check their code, and write a record of each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.artifacts import Artifact, read_artifact
from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_test_usdc, find_test_usdc
from nvm_chain.chain.receipts import summarize
from nvm_chain.chain.records import DeploymentRecord, RecordedName, find_record, prepare_folder, write_record
from nvm_chain.chain.repeating import Pauses
from nvm_chain.errors import DeploymentMismatch, NoContract, PendingTransactions
from nvm_chain.operations.deployment.creation import ARGUMENTS, SALTS, build_creation
from nvm_chain.operations.deployment.plan import DeploymentPlan, find_usdc_to_use, require_funds
from nvm_chain.operations.deployment.replaced import check_replaced, find_replaced
from nvm_chain.signing.keys import Signer
from nvm_chain.types.receipts import Transaction

FIRST_PAUSE_SECONDS: Final = 0.1
SEEN_SECONDS: Final = 3.0
"""The longest wait for a contract to appear on a node after its deployment is mined."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The deployment records of Credits and AgentRegistry."""

    credits: DeploymentRecord
    agents: DeploymentRecord


def deploy_contracts(
    chain: Chain, signer: Signer, plan: DeploymentPlan, *, folder: Path | str | None = None, usdc: str | None = None
) -> Deployment:
    """Carry out a deployment plan: deploy Credits and AgentRegistry, check their code, and write a record of each.

    Up to two transactions, and a third if the plan deploys a TestUSDC. A contract that is already deployed is not deployed again. A record is written after its
    deployment is mined, so a failed deployment does not leave a record.

    Args:
        chain: The connection to the chain that gets the contracts.
        signer: The deployer.
        plan: The deployment plan from `plan_deployment`.
        folder: The folder for the records. The folder of local records if not given.
        usdc: The address of TestUSDC, for the record of Credits. If not given, the TestUSDC that the plan finds or
            deploys, or TestUSDC at its usual address, if it is there.

    Raises:
        InsufficientCoin: The deployer has too little coin for gas.
        RecordInUse: The folder records another contract that is on the chain, and the plan does not replace it.
        RecordNotWritable: The folder is not writable. Nothing was deployed.
        RecordNotWritten: A contract is deployed, but its record could not be saved. The error holds the record.
        PendingTransactions: The deployer has a transaction that is not mined yet.
        DeploymentMismatch: The code on the chain is not the code of this package.
        NotMined: A deployment is not mined in time.
        OutcomeUnknown: The node does not tell the outcome of a deployment.
        NetworkError: The node does not give a usable answer.
    """
    require_funds(plan)
    _check_records(chain, plan, folder)
    prepare_folder(folder)
    usdc = usdc or plan.usdc
    if plan.deploys_usdc and usdc is None:
        usdc = find_or_deploy_usdc(chain, signer, folder)
    credits = _deploy(chain, signer, plan, "Credits", folder, usdc)
    return Deployment(credits, _deploy(chain, signer, plan, "AgentRegistry", folder, None))


def _check_records(chain: Chain, plan: DeploymentPlan, folder: Path | str | None) -> None:
    """Raise RecordInUse if the folder has a record of a contract on the chain that the plan does not replace."""
    planned: dict[RecordedName, ChecksumAddress | None] = {
        "Credits": plan.address,
        "AgentRegistry": plan.agents_address,
    }
    agreed = {item.record.address for item in plan.replaced}
    found = [item for item in find_replaced(chain, planned, folder) if item.record.address not in agreed]
    check_replaced(found, plan.fee_owner, plan.method)


def _deploy(
    chain: Chain,
    signer: Signer,
    plan: DeploymentPlan,
    contract: RecordedName,
    folder: Path | str | None,
    usdc: str | None,
) -> DeploymentRecord:
    """Deploy one contract if it is missing, let the chain use it, and write its record. Deploy Credits first."""
    if contract == "Credits":
        argument, address, there, use = plan.fee_owner, plan.address, plan.credits_deployed, chain.use_credits
    else:
        argument, address, there, use = (
            chain.credits.address,
            plan.agents_address,
            plan.agents_deployed,
            chain.use_agents,
        )
    # This request comes before the deployment, because a failed request after it would lose the record.
    usual = find_test_usdc(chain) if contract == "Credits" and usdc is None else None
    transaction: Transaction | None = None
    if not there:
        _check_pending(chain, plan)
        data, to = build_creation(contract, argument, plan.method)
        receipt = chain.send_data(signer, data, to)
        address, transaction = address or receipt["contractAddress"], summarize(receipt)
    if address is None:
        raise NoContract("an unknown address", chain.chain_id)
    record = _build_record(
        chain, plan, contract, argument, address, transaction=transaction, folder=folder, usdc=usdc, usual=usual
    )
    if there:
        use(address)
        write_record(record, folder)
    else:
        _write_and_use(record, folder, partial(use, address))
    return record


def _write_and_use(record: DeploymentRecord, folder: Path | str | None, use: Callable[[], None]) -> None:
    """Write the record of a new contract, and let the chain use it. Delete the record if code is missing or wrong."""
    path = write_record(record, folder)
    try:
        _use_when_seen(use)
    except (DeploymentMismatch, NoContract):
        path.unlink()
        raise


def _use_when_seen(use: Callable[[], None]) -> None:
    """Let the chain use a new contract. If the node shows other code or none there, wait up to three seconds."""
    pauses = Pauses(SEEN_SECONDS, FIRST_PAUSE_SECONDS, SEEN_SECONDS)
    while True:
        try:
            return use()
        except (DeploymentMismatch, NoContract):
            if not pauses.wait():
                raise


def _check_pending(chain: Chain, plan: DeploymentPlan) -> None:
    """Before CREATE, raise PendingTransactions if the deployer has a pending transaction. It may be an earlier CREATE.

    CREATE2 needs no check, because a second deployment to the same address fails.
    """
    count = chain.count_pending(plan.deployer) if plan.method == "CREATE" else 0
    if count > 0:
        raise PendingTransactions(plan.deployer, count)


def find_or_deploy_usdc(chain: Chain, signer: Signer, folder: Path | str | None = None) -> str:
    """Return the address of a development chain's TestUSDC, or deploy one. At most one transaction.

    The recorded address is used if it has code. Otherwise the usual address of TestUSDC is used if it has code. So a
    second run deploys nothing, whatever the folder.
    """
    return find_usdc_to_use(chain, folder) or deploy_test_usdc(chain, signer)


def _build_record(
    chain: Chain,
    plan: DeploymentPlan,
    contract: RecordedName,
    argument: ChecksumAddress,
    address: ChecksumAddress,
    *,
    transaction: Transaction | None,
    folder: Path | str | None,
    usdc: str | None,
    usual: str | None,
) -> DeploymentRecord:
    """Return the record of a contract. No request.

    Without a ``transaction``, an earlier record of the contract tells the deployer, the block and the transaction.
    """
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
        usdc=usdc or (known.usdc if known else None) or usual,
    )
