"""An index that cannot be read or written, or that differs from the chain."""

from nvm_chain.errors.families import IndexFailure, InputError
from nvm_chain.errors.fields import Compared, Name, Number, Phrase, Verbatim


class MissingExtra(InputError, ImportError):
    """Raised when something needs packages that are not installed, because they belong to an extra."""

    what: Phrase
    extra: Verbatim

    problem = "{what} needs packages that are not installed."
    next_step = "Install them: pip install 'nvm-chain[{extra}]'."


class WrongDatabase(IndexFailure):
    """Raised when a database is not an index or the books of a meter, or is damaged. Nothing was changed in it."""

    where: Name
    reason: Phrase

    problem = "{where} is not a database of nvm-chain that can be used here: {reason}."
    next_step = "Give the file or the URL of an index or of a meter's books, or a new one."


class OlderSchema(IndexFailure):
    """Raised when an older version of this package wrote an index or books, and whoever opens them does not change them."""

    where: Name
    version: Name
    expected: Name

    problem = "The database {where} has the older schema {version}, not {expected}."
    next_step = "Run nvm-chain index run for an index, or start the meter for its books. Both bring a database to the new schema."


class NewerSchema(IndexFailure):
    """Raised when a newer version of this package wrote an index or the books of a meter."""

    where: Name
    version: Name
    expected: Name

    problem = "The database {where} has the newer schema {version}. This version of nvm-chain knows {expected}."
    next_step = "Install the version of nvm-chain that wrote it, or a later one."


class OtherChain(IndexFailure):
    """Raised when an index or the books of a meter belong to another chain or other contracts than expected."""

    where: Name
    what: Name
    by_index: Compared
    expected: Compared

    problem = "The database {where} belongs to another chain: its {what} is {by_index}, not {expected}."
    next_step = "Give the database of this chain, or a new one."


class IndexUnavailable(IndexFailure):
    """Raised when the file or the server of a database cannot be opened, or does not answer. Nothing is half done."""

    where: Name
    reason: Phrase

    problem = "The database {where} is not available ({reason})."
    next_step = "Check that the file exists and that the database server runs, then try again."


class IndexNotWritable(IndexFailure):
    """Raised when an index or the books of a meter may only be read. Nothing was changed in them."""

    where: Name
    reason: Phrase

    problem = "The database {where} cannot be written ({reason})."
    next_step = "Give this user the right to write it, or use another file or database."


class DiskFull(IndexFailure):
    """Raised when the disk of a database is full. The database is as it was before the last write."""

    where: Name
    reason: Phrase

    problem = "The database {where} cannot grow, because its disk is full ({reason})."
    next_step = "Make room on the disk, then continue. The database lost nothing."


class SecondFollower(IndexFailure):
    """Raised when another process has written to the index since this process read its head."""

    where: Name
    expected: Name
    actual: Name

    problem = "Another process follows the chain into the index {where}: its head is {actual}, not {expected}."
    explained = "Another process follows the chain into the index {where}."
    next_step = "Let one process follow. Other processes can read the index at any time."


class ReorgTooDeep(IndexFailure):
    """Raised when a rollback would go back to a block that the index does not remember."""

    where: Name
    block_number: Number
    oldest: Number

    problem = (
        "The index {where} cannot roll back to block {block_number}. It can roll back to block {oldest} and later."
    )
    next_step = "Check that the node serves the right chain. If it does, build a new index."


class LogsRefused(IndexFailure):
    """Raised when logs for an index are repeated, not in order, or outside their blocks. Nothing was written."""

    block_number: Number
    reason: Phrase

    problem = "The logs of block {block_number} cannot be stored: {reason}."
    next_step = "Read the blocks again, preferably from another node."


class IndexIncomplete(IndexFailure):
    """Raised when the events of a block do not fit the events before, so that a log is missing."""

    block_number: Number
    what: Phrase

    problem = "A log is missing at or before block {block_number}: {what}."
    next_step = (
        "Read the blocks again, preferably from another node. The first block of an index has to be the block of the "
        "deployment of Credits, or an earlier one."
    )


class IndexMismatch(IndexFailure):
    """Raised when the index differs from the state of the chain at the same block."""

    what: Name
    by_index: Compared
    by_chain: Compared
    block_number: Number

    problem = "Index and chain differ at block {block_number} ({what}). The index says {by_index}, and the chain says {by_chain}."
    next_step = "Build a new index, preferably from another node."


class IndexBehind(IndexFailure):
    """Raised when the index has not reached the block that a reader needs."""

    where: Name
    head: Number
    wanted: Number

    problem = "The index {where} has reached block {head}, but block {wanted} is needed."
    next_step = "Run nvm-chain index run, and try again when it has reached the block."
