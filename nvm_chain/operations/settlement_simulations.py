"""Simulations of settlements: what the chain would do with a voucher, without a transaction.

A contract wallet may answer by its caller, by the price and by the gas. So nobody but Credits asks it here: the whole
settlement runs as a call from the redeemer.
"""

from functools import partial
from typing import Final, NamedTuple

from eth_typing import ChecksumAddress

from nvm_chain.chain.answer_words import WORD, read_words
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.call_forms import CALL, find_form
from nvm_chain.chain.client import Chain
from nvm_chain.chain.intrinsic_gas import add_intrinsic_gas
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.priced_calls import call_priced
from nvm_chain.enums import RedemptionRule, SettlementResult
from nvm_chain.errors import AnswerUnreadable
from nvm_chain.errors.fields import Credits
from nvm_chain.operations.plans import is_redeemer, read_plan_state
from nvm_chain.operations.wallets import ask_wallets
from nvm_chain.signing.signatures import AskChain
from nvm_chain.signing.vouchers import SignedVoucher

SIMULATION_GAS: Final = 1_000_000
"""The gas of a simulation: several times what a settlement of one item uses with a wallet that uses all it gets."""


LEAST_GAS: Final = 320_000
"""The gas from which a refusal of a simulation counts: what a settlement of one item needs with such a wallet, and more.

The contract keeps 200,000 of it for the wallet, and refuses to ask one with less.
"""


class Simulation(NamedTuple):
    """What a settlement of one item would do now: the credits that it takes, and its result."""

    amount: Credits
    result: SettlementResult


def ask_settlement(chain: Chain, signed: SignedVoucher, *, redeemer: ChecksumAddress | None = None) -> AskChain:
    """Return a function that tells whether a settlement would accept a voucher's signature. Mostly one request.

    ``redeemer`` sends the settlement: the voucher's redeemer if not given. A settlement checks the signature last, so
    the function returns True for a voucher that is settled or expired.
    """

    def ask(account: ChecksumAddress, digest: bytes, signature: bytes) -> bool:
        if signature or not may_settle_unsigned(chain, signed.voucher.plan_id, redeemer or signed.voucher.redeemer):
            return simulate_settlement(chain, signed, redeemer=redeemer).result is not SettlementResult.NOT_SIGNED
        # The settlement does not ask the wallet.
        return ask_wallets(chain)(account, digest, signature)

    return ask


def simulation_readers(chain: Chain, signed: SignedVoucher, digest: bytes) -> tuple[Reader, ...]:
    """Return the readers of the function from `ask_settlement`, for `Chain.read_ahead`. No request."""
    voucher, ask = signed.voucher, ask_settlement(chain, signed)
    return partial(ask, voucher.holder, digest, signed.signature), partial(find_form, chain, CALL, voucher.redeemer)


def may_settle_unsigned(chain: Chain, plan_id: int, redeemer: ChecksumAddress) -> bool:
    """Return whether a plan's rule lets an address settle without vouchers. At most three requests."""
    plan = read_plan_state(chain, plan_id)
    if plan.terms.rule is RedemptionRule.OWNER and redeemer == plan.owner:
        return True
    return plan.terms.rule is not RedemptionRule.HOLDER and is_redeemer(chain, plan_id, redeemer)


def simulate_settlement(
    chain: Chain, signed: SignedVoucher, *, redeemer: ChecksumAddress | None = None, block: int | None = None
) -> Simulation:
    """Return what a settlement of one voucher would do now. Mostly one request.

    The result is valid for its block only, because a wallet may change its answer.

    Args:
        chain: The connection to the plan's chain.
        signed: The voucher.
        redeemer: The sender of the settlement. The voucher's redeemer if not given.
        block: The number of the block behind which the settlement would be. The latest block if not given.

    Raises:
        UnknownPlan: The plan is not registered.
        SettlementsNotAccepted: Nothing can be settled on the plan.
        NotRedeemer: The redeemer may not settle on the plan.
        InsufficientCoin: The node wants the redeemer to pay for the gas of the call, and the redeemer cannot.
        NetworkError: The node does not give a usable answer.
    """
    voucher = signed.voucher
    item = (voucher.holder, voucher.ceiling, voucher.ceiling, voucher.context, voucher.deadline, signed.signature)
    data = encode_call(chain.credits.functions.settle(voucher.plan_id, [item]))
    most, least = (add_intrinsic_gas(bytes.fromhex(data[2:]), gas) for gas in (SIMULATION_GAS, LEAST_GAS))
    call = {"from": redeemer or voucher.redeemer, "to": chain.credits.address, "data": data, "gas": most}
    words = read_words(call_priced(chain, call, block, least_gas=least, pays=True), "the outcome of a settlement")
    if len(words) != 4 or words[:2] != [WORD, 1] or words[3] > max(SettlementResult):
        raise AnswerUnreadable("the outcome of a settlement has another form")
    return Simulation(words[2], SettlementResult(words[3]))
