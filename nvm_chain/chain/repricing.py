"""Replacements: a transaction that waits because its fee is too low is sent again with a higher fee and the same nonce.

Only one of the two can be mined. Nodes take a replacement if both of its prices are at least a tenth higher.
"""

from functools import partial
from typing import Final, cast

from web3.types import TxParams

from nvm_chain.chain.asking_many import ManyAsker
from nvm_chain.chain.fees import Fees, read_fees
from nvm_chain.chain.handing_over import Fate, Parcel, hand_over
from nvm_chain.chain.node import Node
from nvm_chain.chain.nonce_search import NonceSearch
from nvm_chain.chain.signed_transactions import read_signed
from nvm_chain.chain.signing_many import sign_new
from nvm_chain.chain.turns import Accounts
from nvm_chain.signing.keys import Signer

STEP: Final = 8
"""A replacement's prices are higher by at least one part in so many: by 12.5 %."""
MAX_FEE_PERCENT: Final = 300
"""The highest price of a replacement, in percent of what a new transaction would offer now."""


def raise_fees(transaction: TxParams, fees: Fees, max_percent: int = MAX_FEE_PERCENT) -> TxParams | None:
    """Return a transaction with higher prices, or None if they would be above the limit.

    The prices are those of a new transaction, and higher by 12.5 % than before at least.

    Args:
        transaction: The transaction that waits.
        fees: The prices that the node proposes now.
        max_percent: The limit, in percent of the proposed price.
    """
    told, limit = cast(dict[str, int], transaction), fees.max_fee * max_percent // 100
    if "gasPrice" in told:
        price = max(fees.max_fee, _step_up(told["gasPrice"]))
        return None if price > limit else cast(TxParams, {**told, "gasPrice": price})
    tip = max(fees.tip or 0, _step_up(told["maxPriorityFeePerGas"]))
    max_fee = max(fees.max_fee, _step_up(told["maxFeePerGas"]), tip)
    if max_fee > limit:
        return None
    return cast(TxParams, {**told, "maxFeePerGas": max_fee, "maxPriorityFeePerGas": tip})


def _step_up(price: int) -> int:
    """Return a price that is higher by 12.5 %, rounded up, and by 1 wei at least."""
    return price + max(1, -(-price // STEP))


def replace_waiting(
    node: Node, accounts: Accounts, signer: Signer, raw: bytes, *, max_percent: int = MAX_FEE_PERCENT
) -> str | None:
    """Sign a transaction again with higher prices, and hand it over. See `Chain.replace_transaction`."""
    try:
        waiting = read_signed(raw, node.chain_id)
    except ValueError:
        return None
    transaction = raise_fees(waiting, read_fees(node), max_percent)
    return None if transaction is None else _send(node, accounts, signer, transaction)


def _send(node: Node, accounts: Accounts, signer: Signer, transaction: TxParams) -> str:
    with accounts.turn(signer.address, node.timeout_seconds, node.on_progress) as turn:
        [(_, signed)] = sign_new(signer, [transaction], {each.hash for each in turn.sent})
        turn.write_down(signed.nonce, signed.hash, node.label)
        parcel = Parcel(signed)
        hand_over(ManyAsker(node), [parcel], partial(NonceSearch, node, signer.address), node.timeout_seconds)
        if parcel.fate is Fate.TAKEN:
            turn.confirm()
        elif parcel.fate is not Fate.UNKNOWN:
            turn.take_back()
    return signed.hash
