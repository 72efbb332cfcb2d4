"""Deployment records: the address of a contract on a chain, and the data to check the contract's code."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from nvm_chain.errors import InvalidRecord, NoContract, RecordNotWritable, RecordNotWritten
from nvm_chain.types.atomic_files import write_whole
from nvm_chain.types.paths import parse_path

FOLDER_VARIABLE = "NVM_CHAIN_DEPLOYMENTS"
DEFAULT_FOLDER = "deployments"


RecordedName = Literal["Credits", "AgentRegistry"]


class DeploymentRecord(BaseModel):
    """One deployment of a contract on one chain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contract: RecordedName = "Credits"
    chain_id: int
    address: str
    method: Literal["CREATE2", "CREATE"]
    salt: str | None
    """The CREATE2 salt; None for CREATE."""
    block_number: int | None
    transaction_hash: str | None
    deployer: str | None
    """The deployer's address.

    Block, transaction and deployer are None if the contract was already there when the record was written.
    """
    constructor_arguments: dict[str, str]
    compiler: dict[str, Any]
    runtime_code_hash: str
    usdc: str | None = None
    """The address of a TestUSDC that was deployed together with the contract, or None."""


def records_folder() -> Path:
    """Return the folder of local records: ``$NVM_CHAIN_DEPLOYMENTS``, or ``deployments`` in the working directory."""
    return parse_path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER, "folder of deployment records")


def _find_folder(given: Path | str | None) -> Path:
    """Return the given folder of records, or the folder of local records.

    Raises InvalidConfig if the argument is not a path.
    """
    return records_folder() if given is None else parse_path(given, "folder of deployment records")


def format_searched_folder(given: Path | str | None = None) -> str:
    """Return the absolute path of a folder of records, as text for messages.

    Raises InvalidConfig if the argument is not a path.
    """
    return str(_find_folder(given).absolute())


def record_path(chain_id: int, folder: Path | str | None = None, contract: RecordedName = "Credits") -> Path:
    """Return the path of the record of a contract on a chain. The file need not exist.

    Raises InvalidConfig if the folder is not a path.
    """
    return _find_folder(folder) / _file_name(chain_id, contract)


def _file_name(chain_id: int, contract: RecordedName) -> str:
    return f"{chain_id}.json" if contract == "Credits" else f"{chain_id}.{contract}.json"


def find_record(
    chain_id: int, folder: Path | str | None = None, contract: RecordedName = "Credits"
) -> DeploymentRecord | None:
    """Return the record of a contract on a chain, or None.

    The local folder is searched before the package's own records.

    Raises:
        InvalidConfig: The folder is not a path.
        InvalidRecord: The record cannot be read, or belongs to another chain or contract.
    """
    packaged = Path(str(files("nvm_chain") / "chain" / "data" / "deployments" / _file_name(chain_id, contract)))
    for path in (record_path(chain_id, folder, contract), packaged):
        if path.is_file():
            record = read_record(path)
            if record.chain_id != chain_id:
                raise InvalidRecord(str(path), f"chain_id: it is of chain {record.chain_id}, not {chain_id}")
            if record.contract != contract:
                raise InvalidRecord(str(path), f"contract: it is of {record.contract}, not {contract}")
            return record
    return None


def read_record(path: Path) -> DeploymentRecord:
    """Read a record from a file. Raises InvalidRecord if the file cannot be read or is not a record."""
    try:
        return DeploymentRecord.model_validate_json(path.read_text("utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRecord(str(path), f"{'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRecord(str(path), type(error).__name__) from None


@contextmanager
def explain_earlier_chain(record: DeploymentRecord, folder: Path | str | None = None) -> Iterator[None]:
    """Explain a NoContract error in this block if a local record named the address.

    A development chain that starts anew has the same chain id, and none of the recorded contracts.
    """
    try:
        yield
    except NoContract as error:
        path = record_path(record.chain_id, folder, record.contract)
        if not path.is_file() or error.address != record.address:
            raise
        raise error.explain(
            f"the record {path.absolute()} names it, so it is of an earlier chain with this id",
            "deploy again with `nvm-chain deploy`, or name other records with `connect(…, records=path)`",
        ) from None


def prepare_folder(folder: Path | str | None = None) -> None:
    """Create the folder of records if it is missing, and check that files can be written there.

    Raises:
        InvalidConfig: The folder is not a path.
        RecordNotWritable: The folder cannot be created, or does not accept files.
    """
    place = _find_folder(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise RecordNotWritable(str(place), error.strerror or type(error).__name__) from None


def write_record(record: DeploymentRecord, folder: Path | str | None = None) -> Path:
    """Write a record to its file, and return the file's path. After an error no incomplete file is left.

    Raises:
        InvalidConfig: The folder is not a path.
        RecordNotWritten: The file cannot be written, for example on a full disk. The error contains the record.
    """
    path = record_path(record.chain_id, folder, record.contract)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_whole(path, record.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise RecordNotWritten(
            record.contract,
            record.address,
            record.transaction_hash,
            str(path),
            error.strerror or type(error).__name__,
            record.model_dump_json(),
        ) from None
