"""Rules of tokens about signatures: whether a token takes only those of keys, and whether it wants nonces in sequence.

Such a rule refuses each signed order of a payer, whatever else is right or wrong with it.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Literal, TypeAlias

from eth_account import Account
from eth_typing import ChecksumAddress

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.raw_calls import call_raw, name_block
from nvm_chain.errors import AnswerUnreadable, NvmChainError, TokenCannotSign, TransactionError
from nvm_chain.operations.receivers import DELEGATION, SELECTOR, Cause, find_code
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.operations.wallets import MAGIC_VALUE, unwrap_signature
from nvm_chain.signing.eip712 import MessageSigner, sign_struct
from nvm_chain.signing.permits import PERMIT
from nvm_chain.signing.signatures import recover_signer
from nvm_chain.signing.signed_orders import RECEIVE_WITH_AUTHORIZATION, SignedOrder, authorization_digest
from nvm_chain.signing.wallets.owners import is_contract

Signed: TypeAlias = Literal["authorization", "permit"]
"""What is signed: the authorization of an order (EIP-3009), or a permit (EIP-2612)."""

APPROVE: Final = "order with `payment_method='approve'`"
WALLET_SENDS: Final = "let the wallet itself send `approve` to the token and `order` to Credits"
KEYED: Final = "the token takes authorizations only with nonces in sequence, and the nonce of an order is a hash"
KEYS_ONLY: Final = "the token takes signatures of keys only, and does not ask a contract wallet about its own"

ALWAYS: Final = "0x631626ba7e60e01b60005260206000f3"
"""Code that answers each call as a wallet that accepts the signature: PUSH4 0x1626ba7e, PUSH1 224, SHL, and RETURN."""
NEVER: Final = 2**64
"""A second that does not come."""
NONCE_BYTES: Final = 32
FIRST_NONCE: Final = bytes(NONCE_BYTES)
"""The first nonce of an account in a token with nonces in sequence."""
FORMS: Final = {
    "authorization": (
        describe_function(
            "receiveWithAuthorization", "address address uint256 uint256 uint256 bytes32 bytes", "", "nonpayable"
        ),
        describe_function(
            "receiveWithAuthorization",
            "address address uint256 uint256 uint256 bytes32 uint8 bytes32 bytes32",
            "",
            "nonpayable",
        ),
    ),
    "permit": (describe_function("permit", "address address uint256 uint256 uint8 bytes32 bytes32", "", "nonpayable"),),
}
"""The functions of tokens that take a signature, in the order in which Credits tries them."""
KEYED_ABI: Final = (describe_function("nonces", "address uint192", "uint256"),)


def find_token_rule(chain: Chain, token: ChecksumAddress, *, by_wallet: bool) -> Cause | None:
    """Return why a token refuses each signed order of a payer, and the next step. None if there is no such rule.

    Mostly one request for a payer with a key, and at most eight for a contract wallet. Nonces in sequence cost six more.
    No request for a known token. None if the node does not tell.
    """
    if has_keyed_nonces(chain, token):
        return KEYED, WALLET_SENDS if by_wallet else APPROVE
    if by_wallet and asks_code(chain, token, "authorization") is False:
        return KEYS_ONLY, WALLET_SENDS
    return None


def find_order_rule(chain: Chain, signed: SignedOrder, code: bytes | None) -> TokenCannotSign | None:
    """Return the error of a signed order that its token refuses by a rule. None if there is no such rule.

    The requests of `find_token_rule`. ``code`` is the code at the payer's address. None if it is not known.
    """
    token, inner = signed.token.address, unwrap_signature(signed)
    by_wallet = not is_by_key(inner) and (inner is not signed or is_wallet_code(code))
    rule = find_token_rule(chain, token, by_wallet=by_wallet)
    return None if rule is None else TokenCannotSign(token).explain(*rule)


def is_by_key(signed: SignedOrder) -> bool:
    """Return whether the payer's own key signed an order. No request."""
    digest = authorization_digest(signed.order, token=signed.token, contract=signed.contract)
    return recover_signer(digest, signed.signature) == signed.order.payer


@contextmanager
def keeping_rules(chain: Chain, token: ChecksumAddress, *readers: Reader) -> Iterator[None]:
    """Do as `Chain.paying` does, but keep what is known of a token's rules if the payment fails. No request of its own."""
    abouts = (("keyed nonces", token), ("asks code", token, "authorization"), ("asks code", token, "permit"))
    known = {about: chain.facts.find(*about) for about in abouts}
    try:
        with chain.paying(*readers):
            try:
                yield
            finally:
                known |= {about: chain.facts.find(*about) for about in abouts}
    finally:
        for about, fact in known.items():
            if fact is not None:
                chain.facts.keep(fact, *about)


def check_wallet_signer(chain: Chain, signer: MessageSigner, token: ChecksumAddress) -> None:
    """Raise TokenCannotSign if a token takes no signed order of a contract wallet. No request for a key's signer.

    An account with a key can have a wallet's signer, if it delegates to the wallet's code. It is not refused here.
    """
    if not is_contract(signer):
        return
    code = find_code(chain, signer.address)
    rule = find_token_rule(chain, token, by_wallet=not (code or b"").startswith(DELEGATION))
    if rule is not None:
        raise TokenCannotSign(token).explain(*rule)


def is_wallet_code(code: bytes | None) -> bool:
    """Return whether the code at an address is that of a contract, and not the delegation of an account with a key."""
    return bool(code) and not (code or b"").startswith(DELEGATION)


def has_keyed_nonces(chain: Chain, token: ChecksumAddress) -> bool:
    """Return whether a token takes authorizations with nonces in sequence only, as OpenZeppelin's NoncesKeyed counts them.

    One request for most tokens, and only once. At most seven. False if the node or the token does not tell, as a paused
    token does. Then nothing is kept.
    """
    if chain.facts.find("keyed nonces", token) is None:
        with suppress(NvmChainError):
            wants = _wants_sequence(chain, token) if _counts_by_key(chain, token) else False
            if wants is not None:
                chain.facts.keep(wants, "keyed nonces", token)
    return bool(chain.facts.find("keyed nonces", token))


def _counts_by_key(chain: Chain, token: ChecksumAddress) -> bool:
    with suppress(AnswerUnreadable, TransactionError):
        chain.read(chain.bind(token, KEYED_ABI).functions.nonces(token, 0))
        return True
    return False


def _wants_sequence(chain: Chain, token: ChecksumAddress) -> bool | None:
    """Return whether a token takes a new key's first nonce, and no random one. None if it takes neither now."""
    for nonce, is_sequence in ((secrets.token_bytes(NONCE_BYTES), False), (FIRST_NONCE, True)):
        if _is_accepted(chain, token, "authorization", *_sign_nothing(chain, token, "authorization", nonce)):
            return is_sequence
    return None


def asks_code(chain: Chain, token: ChecksumAddress, what: Signed) -> bool | None:
    """Return whether a token asks the code at a signer's address about a signature (ERC-1271).

    Seven requests at most, and only once for each token. None if this cannot be found out: the node does not let a call
    replace code, or the token does not accept the signature of a new key either.
    """
    # Nothing is sent. First the token gets the signature of a new key. If that works, the token gets it in the name of
    # an address whose code accepts each signature.
    if chain.facts.find("asks code", token, what) is None:
        with suppress(NvmChainError):
            values, signature = _sign_nothing(chain, token, what)
            other = Account.create().address
            code = {other: {"code": ALWAYS}}
            if _is_accepted(chain, token, what, values, signature) and _is_replaced(chain, other, code):
                asks = _is_accepted(chain, token, what, (other, *values[1:]), signature, code)
                chain.facts.keep(asks, "asks code", token, what)
    found: bool | None = chain.facts.find("asks code", token, what)
    return found


def takes_permits(chain: Chain, token: ChecksumAddress) -> bool | None:
    """Return whether a token accepts the permit of a new key now. Two requests. None if the node does not tell."""
    with suppress(NvmChainError):
        return _is_accepted(chain, token, "permit", *_sign_nothing(chain, token, "permit"))
    return None


def _sign_nothing(
    chain: Chain, token: ChecksumAddress, what: Signed, nonce: bytes | None = None
) -> tuple[tuple[Any, ...], bytes]:
    """Sign a message that moves and allows nothing, by a new key. One request.

    Returns its values, with the key's address first, and its signature. ``nonce`` is that of an authorization, and is
    random if not given.
    """
    key, domain, spender = Account.create(), read_token_domain(chain, token), chain.credits.address
    values: tuple[Any, ...] = (key.address, spender, 0, 0, NEVER)
    if what == "permit":
        return values, sign_struct(key, domain, PERMIT, values)
    values = (*values, secrets.token_bytes(NONCE_BYTES) if nonce is None else nonce)
    return values, sign_struct(key, domain, RECEIVE_WITH_AUTHORIZATION, values)


def _is_replaced(chain: Chain, account: ChecksumAddress, code: dict[str, Any]) -> bool:
    """Return whether the node lets a call replace the code of an account. One request. Some nodes ignore the wish."""
    answer = call_raw(chain, {"to": account, "data": "0x"}, name_block(None), code)
    return answer[:SELECTOR] == MAGIC_VALUE


def _is_accepted(
    chain: Chain, token: ChecksumAddress, what: Signed, values: tuple[Any, ...], signature: bytes, *code: dict[str, Any]
) -> bool:
    """Return whether a token accepts a signed message in one of its forms. One or two requests."""
    for data in _encode(chain, token, what, values, signature):
        with suppress(TransactionError):
            call_raw(chain, {"from": chain.credits.address, "to": token, "data": data}, name_block(None), *code)
            return True
    return False


def _encode(
    chain: Chain, token: ChecksumAddress, what: Signed, values: tuple[Any, ...], signature: bytes
) -> Iterator[str]:
    split = (signature[64], signature[:32], signature[32:64])
    # A permit's function does not take the nonce, which is the fourth value of what is signed.
    given = values[:3] + values[4:] if what == "permit" else values
    for form in FORMS[what]:
        function = chain.bind(token, (form,)).functions[str(form["name"])]
        yield encode_call(function(*given, *(split if form["inputs"][-1]["type"] == "bytes32" else (signature,))))
