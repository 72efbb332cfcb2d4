"""Payment by a permit (EIP-2612): the payer signs the approval, and the order carries it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.answer_words import WORD
from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.priced_calls import call_priced
from nvm_chain.errors import NetworkError, NvmChainError, PaymentFailed, TransactionError
from nvm_chain.operations.payment_causes import explain_idle_permit, explain_refused_permit
from nvm_chain.operations.payment_methods.purchase import Purchase
from nvm_chain.operations.receipts import build_order_receipt
from nvm_chain.operations.token_domains import PermitTerms, read_permit_terms
from nvm_chain.operations.tokens import ERC20_ABI
from nvm_chain.signing.eip712 import SIGNATURE_SECONDS
from nvm_chain.signing.keys import Signer, check_message_signer
from nvm_chain.signing.permits import Permit, PermitSignature, sign_permit
from nvm_chain.types.receipts import OrderReceipt

PERMIT_ABI: Final = (
    describe_function("permit", "address address uint256 uint256 uint8 bytes32 bytes32", "", "nonpayable"),
)
PERMIT_GAS: Final = 1_000_000
LEAST_GAS: Final = 150_000
"""The gas from which a token's refusal of a permit counts: about twice what a permit mostly uses."""
PROGRAM_BYTES: Final = 84
"""The length of the code that calls a token twice, without the data of the calls."""


def order_with_permit(
    chain: Chain, signer: Signer, purchase: Purchase, terms: PermitTerms | None = None
) -> OrderReceipt:
    """Sign a permit for exactly the highest cost of the order, and send the order with it. One transaction.

    ``terms`` has the token's domain and the payer's next nonce, and is read if not given. Raises TokenCannotSign.
    """
    payer = check_message_signer(signer)
    terms = terms or read_permit_terms(chain, purchase.token, signer.address)
    permit = build_permit(chain, signer.address, purchase, terms)
    signature = sign_permit(payer, permit, token=terms.domain)
    with explained_permit(chain, purchase, permit, signature):
        receipt = chain.send(signer, build_permit_call(chain, purchase, permit.deadline, signature))
    return build_order_receipt(chain, purchase.plan, signer.address, receipt)


def build_permit(chain: Chain, payer: ChecksumAddress, purchase: Purchase, terms: PermitTerms) -> Permit:
    """Return the permit that a payer signs for an order: of exactly its highest cost, for an hour. One request."""
    deadline = chain.read_time() + SIGNATURE_SECONDS
    return Permit(payer, chain.credits.address, purchase.max_cost, terms.nonce, deadline)


def build_permit_call(chain: Chain, purchase: Purchase, deadline: int, signature: PermitSignature) -> ContractFunction:
    """Return the call that orders with a permit. No request."""
    order = (purchase.plan.plan_id, purchase.receiver, purchase.quantity, purchase.max_cost)
    return chain.credits.functions.orderWithPermit(*order, (deadline, *signature))


@contextmanager
def explained_permit(chain: Chain, purchase: Purchase, permit: Permit, signature: PermitSignature) -> Iterator[None]:
    """Add to the error of an order in the ``with`` block whether its permit is the cause. No request unless it fails."""
    try:
        yield
    except PaymentFailed as error:
        if _is_refused(chain, purchase.token, permit, signature):
            explain_refused_permit(chain, error, permit.owner)
        elif _is_idle(chain, purchase.token, permit, signature):
            explain_idle_permit(error)
        raise


def _is_refused(chain: Chain, token: ChecksumAddress, permit: Permit, signature: PermitSignature) -> bool:
    """Return whether a token refuses a permit. Mostly one request. False if the node does not say.

    Raises InsufficientCoin if the node wants the payer to pay for the gas of the call, and the payer cannot.
    """
    try:
        data = _encode_permit(chain, token, permit, signature)
        call = {"from": permit.owner, "to": token, "data": data, "gas": PERMIT_GAS}
        call_priced(chain, call, least_gas=LEAST_GAS, pays=True)
    except TransactionError:
        return True
    except NetworkError:
        return False
    return False


def _is_idle(chain: Chain, token: ChecksumAddress, permit: Permit, signature: PermitSignature) -> bool:
    """Return whether a token accepts a permit, and then allows less than it says. One request.

    Tokens whose fallback function accepts every call do so. False if the node does not say.
    """
    functions = chain.bind(token, ERC20_ABI).functions
    question = encode_call(functions.allowance(permit.owner, permit.spender))
    data = _write_program(token, _encode_permit(chain, token, permit, signature), question)
    with suppress(NvmChainError):
        answer = call_priced(chain, {"from": permit.owner, "data": data, "gas": PERMIT_GAS}, least_gas=LEAST_GAS)
        return len(answer) == WORD and int.from_bytes(answer) < permit.value
    return False


def _encode_permit(chain: Chain, token: ChecksumAddress, permit: Permit, signature: PermitSignature) -> str:
    values = (permit.owner, permit.spender, permit.value, permit.deadline, *signature)
    return encode_call(chain.bind(token, PERMIT_ABI).functions.permit(*values))


def _write_program(token: ChecksumAddress, first: str, second: str) -> str:
    """Return creation code that calls a token twice, and answers with the word that the second call answers.

    CODECOPY of the data of both calls into the memory, CALL, STATICCALL with its answer behind the data, and RETURN.
    """
    target, split, size = token[2:], len(first) // 2 - 1, (len(first) + len(second)) // 2 - 2
    code = (
        f"61{size:04x}60{PROGRAM_BYTES:02x}600039"
        f"6000600061{split:04x}6000600073{target}5af150"
        f"602061{size:04x}61{size - split:04x}61{split:04x}73{target}5afa50"
        f"602061{size:04x}f3"
    )
    return f"0x{code}{first[2:]}{second[2:]}"
