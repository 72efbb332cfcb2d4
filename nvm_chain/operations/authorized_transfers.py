"""Transfers that payers have signed (EIP-3009): check one against the chain, and encode it."""

from collections.abc import Collection
from functools import partial
from typing import Any, Final

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.priced_calls import call_priced
from nvm_chain.errors import (
    InvalidMessage,
    RevertedWithReason,
    TransactionError,
    TransferAlreadyUsed,
    TransferExpired,
    TransferMismatch,
    TransferNotYetValid,
    TransferRefused,
    TransferSignatureInvalid,
    WalletNotDeployed,
)
from nvm_chain.errors.fields import Seconds
from nvm_chain.operations.order_simulations import NOBODY, find_simulation_sender
from nvm_chain.operations.receivers import read_code
from nvm_chain.operations.token_domains import domain_readers, is_authorization_used, read_token_domain
from nvm_chain.operations.tokens import check_funds, name_money, read_token_balance
from nvm_chain.operations.wallet_deployments import (
    DEPLOY_GAS,
    RawCall,
    check_deployment,
    find_allowed_deployment,
    run_script,
)
from nvm_chain.operations.wallets import MAGIC_VALUE, WALLET_ABI, WALLET_GAS
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.signing.signatures import find_size_fault, recover_signer
from nvm_chain.signing.wallets.wrapping import is_wrapped, unwrap

FUNCTION: Final = "transferWithAuthorization"
_FIELDS: Final = "address address uint256 uint256 uint256 bytes32"
BY_KEY_ABI: Final = (describe_function(FUNCTION, f"{_FIELDS} uint8 bytes32 bytes32", ""),)
"""The function that every token with EIP-3009 has: the signature is that of a key, as v, r and s."""
BY_WALLET_ABI: Final = (describe_function(FUNCTION, f"{_FIELDS} bytes", ""),)
"""The function of newer tokens: the signature is any bytes, and a contract wallet may check them."""
TRANSFER_GAS: Final = 400_000
"""The most gas of a transfer. USDC takes 60,000 to 110,000, and a contract wallet up to 200,000 more."""
LEEWAY_SECONDS: Final[Seconds] = 6
"""How long a transfer has to be valid still, so that it can be mined in time."""
KEY_BYTES: Final = 65
COMPACT_BYTES: Final = 64
_NOUN: Final = "signed transfer"


def encode_authorized_transfer(chain: Chain, signed: SignedTransferAuthorization) -> ContractFunction:
    """Return the call of the token that makes a signed transfer. No request.

    A signature of 65 bytes goes as v, r and s, which every token takes. The wrapping of an undeployed wallet is left
    out. Raises InvalidMessage if the wrapping is malformed.
    """
    values = signed.authorization.values
    signature = _expand(signed, unwrap(signed.signature))
    if len(signature) != KEY_BYTES:
        by_wallet: ContractFunction = chain.bind(signed.token.address, BY_WALLET_ABI).functions[FUNCTION](
            *values, signature
        )
        return by_wallet
    parts = (signature[64], signature[:32], signature[32:64])
    by_key: ContractFunction = chain.bind(signed.token.address, BY_KEY_ABI).functions[FUNCTION](*values, *parts)
    return by_key


def _expand(signed: SignedTransferAuthorization, signature: bytes) -> bytes:
    """Return a key's signature of EIP-2098 in its usual form, because tokens do not take the short one."""
    is_compact = len(signature) == COMPACT_BYTES
    if not is_compact or recover_signer(signed.digest, signature) != signed.authorization.payer:
        return signature
    parity = signature[32] >> 7
    return signature[:32] + bytes((signature[32] & 0x7F,)) + signature[33:] + bytes((27 + parity,))


def check_authorized_transfer(
    chain: Chain,
    signed: SignedTransferAuthorization,
    *,
    payee: str,
    value: int,
    factories: Collection[str] = (),
    relayer: ChecksumAddress | None = None,
    leeway: Seconds = LEEWAY_SECONDS,
    gas: int = TRANSFER_GAS,
) -> RawCall | None:
    """Check a signed transfer against the present state of the chain, before it is sent. About six requests.

    On a node that takes batches, a good transfer takes two round trips. The domain is read from the token. The last
    request runs the transfer as a call, so that the token and a contract wallet answer as they would to the transaction.

    Args:
        chain: The connection to the token's chain.
        signed: The transfer.
        payee: The address that has to be paid.
        value: The amount that has to be paid, in base units.
        factories: The factories that may deploy the payer's wallet (ERC-6492).
        relayer: The address that would send the transfer. If not given, an address without coin calls.
        leeway: How many seconds the transfer has to be valid still.
        gas: The most gas that the transfer may use, without the deployment of a wallet.

    Returns:
        The call that has to deploy the payer's wallet first. None if there is nothing to deploy.

    Raises:
        TransferMismatch: The transfer is for another payee, amount, chain or token domain.
        TransferNotYetValid: The transfer is not valid yet.
        TransferExpired: The transfer has expired, or nearly.
        TransferAlreadyUsed: The transfer was made, or its payer has canceled it.
        TransferSignatureInvalid: The payer did not sign the transfer.
        WalletNotDeployed: Only a contract could accept the signature, and there is none at the payer's address.
        FactoryNotAllowed: The payer's wallet would be deployed by a factory that is not allowed.
        WalletNotDeployable: The factory does not deploy the payer's wallet.
        InsufficientFunds: The payer has too little of the token.
        TransferRefused: The token does not make the transfer for another reason.
        TokenCannotSign: The token does not accept signed transfers.
        InvalidMessage: The signature is too large, or its wrapping is malformed.
        NetworkError: The node does not give a usable answer.
    """
    authorization, token = signed.authorization, signed.token.address
    check_terms(signed, payee=payee, value=value)
    payer = authorization.payer
    with chain.reading_ahead(
        *domain_readers(chain, token),
        chain.read_time,
        partial(is_authorization_used, chain, token, payer, authorization.nonce),
        partial(read_token_balance, chain, token, payer),
        partial(read_code, chain, payer),
    ):
        check_domain(chain, signed)
        _check_window(signed, chain.read_time(), leeway)
        if is_authorization_used(chain, token, payer, authorization.nonce):
            raise TransferAlreadyUsed(payer, authorization.nonce)
        check_funds(chain, token, payer, value)
        deployment = _check_signature(signed, read_code(chain, payer), factories)
    sender = find_simulation_sender(chain) if relayer is None else relayer
    if deployment is not None:
        check_deployment(chain, payer, deployment, sender)
    try:
        _simulate(chain, signed, deployment, sender, gas)
    except TransactionError as error:
        raise _explain_refusal(chain, signed, deployment, error) from error
    return deployment


def check_terms(signed: SignedTransferAuthorization, *, payee: str, value: int) -> None:
    """Raise TransferMismatch if a transfer is to another payee or of another amount, and InvalidMessage for its size."""
    authorization = signed.authorization
    if authorization.payee != payee:
        raise TransferMismatch("payee", payee, authorization.payee)
    if authorization.value != value:
        raise TransferMismatch("amount", value, authorization.value)
    fault = find_size_fault(signed.signature)
    if fault is not None:
        raise InvalidMessage(_NOUN, fault[0])


def check_domain(chain: Chain, signed: SignedTransferAuthorization) -> None:
    """Raise TransferMismatch if a transfer was not made for the domain that its token has. Mostly one request."""
    given = signed.token
    if given.chain_id != chain.chain_id:
        raise TransferMismatch("chain id", chain.chain_id, given.chain_id)
    domain = read_token_domain(chain, given.address)
    for field, own, wanted in (
        ("token name", given.name, domain.name),
        ("token version", given.version, domain.version),
    ):
        if own != wanted:
            raise TransferMismatch(field, wanted, own)


def _check_window(signed: SignedTransferAuthorization, now: int, leeway: Seconds) -> None:
    authorization = signed.authorization
    if now <= authorization.valid_after:
        raise TransferNotYetValid(authorization.valid_after, now)
    if now + leeway >= authorization.valid_before:
        raise TransferExpired(authorization.valid_before, now)


def _check_signature(signed: SignedTransferAuthorization, code: bytes, factories: Collection[str]) -> RawCall | None:
    """Check the signature of a payer without code. Return the call that deploys its wallet. The token asks any other payer."""
    payer = signed.authorization.payer
    if code:
        return None
    if is_wrapped(signed.signature):
        deployment = find_allowed_deployment(signed.signature, factories)
        if deployment is None:
            raise InvalidMessage(_NOUN, "the wrapping of its signature (ERC-6492) is malformed")
        return deployment
    recovered = recover_signer(signed.digest, signed.signature)
    if recovered == payer:
        return None
    if len(signed.signature) not in (COMPACT_BYTES, KEY_BYTES):
        raise WalletNotDeployed(payer)
    raise TransferSignatureInvalid(payer, recovered)


def _simulate(
    chain: Chain, signed: SignedTransferAuthorization, deployment: RawCall | None, sender: ChecksumAddress, gas: int
) -> None:
    function = encode_authorized_transfer(chain, signed)
    data = encode_call(function)
    if deployment is not None:
        calls = (deployment, RawCall(function.address, bytes.fromhex(data[2:])))
        run_script(chain, calls, sender, gas=gas + DEPLOY_GAS)
        return
    call = {"from": sender, "to": function.address, "data": data, "gas": gas}
    call_priced(chain, call, pays=sender != NOBODY)


def _explain_refusal(
    chain: Chain, signed: SignedTransferAuthorization, deployment: RawCall | None, error: TransactionError
) -> Exception:
    """Return the error of a transfer that its token refuses now. Up to three requests."""
    authorization, token = signed.authorization, signed.token.address
    payer = authorization.payer
    if is_authorization_used(chain, token, payer, authorization.nonce):
        return TransferAlreadyUsed(payer, authorization.nonce)
    reason = str(error.reason) if isinstance(error, RevertedWithReason) else ""
    if deployment is not None or not _is_accepted(chain, signed) or "signature" in reason:
        recovered = recover_signer(signed.digest, unwrap(signed.signature))
        cause = "the code at its address does not accept the signature"
        return TransferSignatureInvalid(payer, recovered).explain(cause, "ask for a new signature")
    refused = TransferRefused(token, payer, authorization.value)
    name_money(chain, refused, token)
    if reason:
        refused.explain(f"the token says {reason}", "ask the token's issuer, or pay with another account")
    return refused


def _is_accepted(chain: Chain, signed: SignedTransferAuthorization) -> bool:
    """Return whether the key of a payer or the code at its address accepts the signature. At most one request."""
    payer, inner = signed.authorization.payer, unwrap(signed.signature)
    if recover_signer(signed.digest, inner) == payer:
        return True
    asked = chain.bind(payer, WALLET_ABI).functions.isValidSignature(signed.digest, inner)
    call: dict[str, Any] = {"from": signed.token.address, "to": payer, "data": encode_call(asked), "gas": WALLET_GAS}
    try:
        return call_priced(chain, call)[: len(MAGIC_VALUE)] == MAGIC_VALUE
    except TransactionError:
        return False
