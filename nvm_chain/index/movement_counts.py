"""How many movements an account has, counted up to a limit: whether its statement is short enough to be shown at once."""

from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Quantity
from nvm_chain.index.rows import account_key, ask
from nvm_chain.index.store import Index

COUNT: Final = """
SELECT count(*) AS found FROM (
    SELECT place FROM movements WHERE holder = :key UNION ALL SELECT place FROM sales WHERE payer = :key LIMIT :most
) counted
"""


def count_movements(index: Index, holder: ChecksumAddress, most: Quantity) -> Quantity:
    """Return the number of movements and payments of an account, and ``most`` + 1 if there are more than ``most``.

    Raises:
        IndexUnavailable: The file or the server does not answer.
    """
    with index.snapshot() as connection:
        (row,) = ask(connection, COUNT, key=account_key(holder), most=most + 1)
    return int(row.found)
