"""Deployment records that a deployment would replace: records of other contracts in the same folder."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.records import DeploymentRecord, RecordedName, read_record, record_path
from nvm_chain.errors import RecordInUse
from nvm_chain.operations.deployment.creation import Method
from nvm_chain.types.addresses import parse_address


@dataclass(frozen=True, slots=True)
class ReplacedRecord:
    """A record that a deployment replaces, because it names another contract."""

    path: Path
    record: DeploymentRecord
    is_on_chain: bool
    """Whether the chain has code at the recorded address. If not, the record is of an earlier chain."""

    def describe(self) -> str:
        """Return what is replaced, for people to read."""
        which = "which is on this chain" if self.is_on_chain else "which an earlier chain with this id had"
        return f"the record of {self.record.contract} {self.record.address}, {which}"


def find_replaced(
    chain: Chain, planned: Mapping[RecordedName, ChecksumAddress | None], folder: Path | str | None
) -> list[ReplacedRecord]:
    """Return the folder's records of other contracts than those at the planned addresses.

    One request for each of these records. The package's own records are never replaced.

    Args:
        chain: The connection to the chain that gets the contracts.
        planned: For each contract, its planned address. None for a new address that is not known yet.
        folder: The folder of the records. The folder of local records if not given.

    Raises:
        InvalidRecord: A record cannot be read.
    """
    found = []
    for contract, address in planned.items():
        path = record_path(chain.chain_id, folder, contract)
        record = read_record(path) if path.is_file() else None
        if record is not None and record.address != address:
            is_on_chain = chain.has_code(parse_address(record.address, "recorded address"))
            found.append(ReplacedRecord(path, record, is_on_chain))
    return found


def check_replaced(replaced: Iterable[ReplacedRecord], fee_owner: ChecksumAddress, method: Method) -> None:
    """Raise RecordInUse for the first of the records whose contract is on the chain. No request."""
    for item in replaced:
        if item.is_on_chain:
            record = item.record
            advice = _advise(record, fee_owner, method)
            raise RecordInUse(str(item.path.absolute()), record.contract, record.address, record.chain_id, advice)


def _advise(record: DeploymentRecord, fee_owner: ChecksumAddress, method: Method) -> str:
    """Return the ways to keep a record, and the way to replace it."""
    recorded_owner = record.constructor_arguments.get("feeOwner", fee_owner)
    ways = [f"`fee_owner` {recorded_owner}"] if recorded_owner != fee_owner else []
    ways += ["`create2=False`"] if record.method == "CREATE" != method else []
    keep = f"to use the recorded contract, give {' and '.join(ways)}; " if ways else ""
    return f"{keep}give another folder, `folder=path`, to keep both records, or replace it with `replace_records=True`"
