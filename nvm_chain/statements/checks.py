"""Checks of the books: the state from events has to equal the state of the contract at the same block."""

from typing import Any

from nvm_chain.chain.client import Chain
from nvm_chain.errors import BlockReplaced, StatementMismatch
from nvm_chain.statements.books import Books, HolderKey

BALANCES_AT_ONCE = 200
LOTS_AT_ONCE = 500


def check_balances(chain: Chain, books: Books) -> None:
    """Compare every holder's balance with the chain. One request for each 200 balances. Raises StatementMismatch."""
    keys = sorted(books.ledgers)
    for start in range(0, len(keys), BALANCES_AT_ONCE):
        part = keys[start : start + BALANCES_AT_ONCE]
        function = chain.credits.functions.balanceOfBatch([holder for _, holder in part], [plan for plan, _ in part])
        for key, balance in zip(part, chain.read(function, block=books.head.number), strict=True):
            _compare(books, key, "credits", books.ledgers[key].balance, balance)


def check_accounts(chain: Chain, books: Books) -> None:
    """Compare each account with the chain. One request for each plan and holder. Raises StatementMismatch."""
    for key, ledger in books.ledgers.items():
        plan_id, holder = key
        account = chain.read(chain.credits.functions.accountOf(plan_id, holder), block=books.head.number)
        said = dict(zip(("credits", "credits settled", "end of the access"), account, strict=False))
        mine = dict(zip(said, (ledger.balance, ledger.settled, ledger.access_until), strict=True))
        for what, amount in mine.items():
            _compare(books, key, what, amount, said[what])
        is_taken = books.terms[plan_id].trial and ledger.is_granted
        _compare(books, key, "trial taken", is_taken, account[3])


def check_lots(chain: Chain, books: Books) -> None:
    """Compare all lots of expiring credits with the chain. One request for each 500 lots. Raises StatementMismatch."""
    for key, ledger in books.ledgers.items():
        if ledger.lots:
            mine = [(lot.credits, lot.expires_at) for lot in ledger.lots]
            _compare(books, key, "lots", mine, _read_lots(chain, books, key, len(mine)))


def _read_lots(chain: Chain, books: Books, key: HolderKey, count: int) -> list[tuple[int, int]]:
    """Read all lots of a holder on a plan. Asks for more than ``count`` lots, so that an unexpected lot is found."""
    lots_of, lots = chain.credits.functions.lotsOf, list[tuple[int, int]]()
    for offset in range(0, count + 1, LOTS_AT_ONCE):
        found = chain.read(lots_of(*key, offset, LOTS_AT_ONCE), block=books.head.number)
        lots += [(credits, expires_at) for credits, expires_at in found]
    return lots


def check_head(chain: Chain, books: Books) -> None:
    """Check that the chain still has the latest block of the statement. Makes one request. Raises BlockReplaced."""
    if chain.read_block(books.head.number) != books.head:
        raise BlockReplaced(books.head.number)


def _compare(books: Books, key: HolderKey, what: str, by_events: Any, by_chain: Any) -> None:
    if by_events != by_chain:
        plan_id, holder = key
        raise StatementMismatch(f"{what} of {holder} on plan {plan_id:#066x}", by_events, by_chain, books.head.number)
