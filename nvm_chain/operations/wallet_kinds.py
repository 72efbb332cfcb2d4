"""Kinds of contract wallets: recognise one on chain, and say in which form it wants its signatures."""

import re
from contextlib import suppress
from functools import partial
from typing import Any, Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidMessage, NvmChainError
from nvm_chain.errors.fields import write_signer
from nvm_chain.operations.receivers import DELEGATION, Cause, find_code
from nvm_chain.signing.signatures import ASK_AGAIN
from nvm_chain.signing.wallets.wrapping import is_wrapped, unwrap

WALLET_ABI: Final = (
    describe_function("VERSION", "", "string"),
    describe_function("isModuleEnabled", "address", "bool"),
    describe_function("eip712Domain", "", "bytes1 string string uint256 address bytes32 uint256[]"),
    describe_function("isValidSignature", "bytes32 bytes", "bytes4"),
)
"""Functions by which wallets are recognised. No wallet has all of them."""
NESTED_PROBE: Final = bytes.fromhex("7739") * 16
NESTED_ANSWER: Final = bytes.fromhex("77390001")
"""A wallet that checks nested signatures (ERC-7739) gives this answer to the probe with an empty signature."""
SIGNERS: Final = {
    "Coinbase Smart Wallet": "CoinbaseWalletSigner",
    "Kernel": "KernelSigner",
}
"""By the name in a wallet's EIP-712 domain, the class that signs for it."""
VERSION: Final = re.compile(r"[0-9A-Za-z.+-]{1,12}")
PAGE: Final = "see the page 'Smart wallets' of the documentation"


def explain_refusal(
    chain: Chain, account: ChecksumAddress, signature: bytes, recovered: str | None, *, by_token: bool = False
) -> Cause:
    """Return why an account's signature does not count, and the next step.

    One request, and at most four more if there is code at the account's address. Use it after the chain refused a
    signature.

    Args:
        chain: The connection to the chain.
        account: The account that should have signed.
        signature: The signature's bytes.
        recovered: The address whose key signed. None if the signature is not that of a key.
        by_token: Whether a token checked the signature. Otherwise Credits did, which asks the account's key and its code.
    """
    return explain_by_code(chain, account, find_code(chain, account), signature, recovered, by_token=by_token)


def explain_by_code(
    chain: Chain,
    account: ChecksumAddress,
    code: bytes | None,
    signature: bytes,
    recovered: str | None,
    *,
    by_token: bool = False,
) -> Cause:
    """Return what `explain_refusal` does. ``code`` is the code at the account's address, or None if it is not known.

    No request if there is no code of a contract, else at most four.
    """
    if code is None:
        return f"{'the token' if by_token else 'the chain'} does not accept the signature", ASK_AGAIN
    if not code:
        return _explain_without_code(account, signature, recovered)
    if code.startswith(DELEGATION):
        whose = "the token does not accept" if by_token else "neither its own key nor that code accepts"
        cause = f"the account has EIP-7702 code, and {whose} the signature"
        if by_token:
            step = "sign in the form of its code, or with the account's key if the token does not ask the code"
        else:
            step = "sign with the account's key, or in the form of its code"
        return cause, f"{step}: {PAGE}"
    kind, signer = recognise_wallet(chain, account)
    whose = "the token does not accept" if by_token else "it does not accept"
    return f"there is {kind} at the address, and {whose} the signature", f"sign with {signer}: {PAGE}"


def _explain_without_code(account: str, signature: bytes, recovered: str | None) -> Cause:
    if is_wrapped(signature):
        if not _holds_signature(signature):
            return "the wrapping of the signature (ERC-6492) is malformed", ASK_AGAIN
        return (
            "the signature is of a wallet that is not deployed (ERC-6492), and counts only after its deployment",
            f"deploy the wallet at {account}, and then try again",
        )
    return (
        f"it is signed {write_signer(recovered)}, and there is no code at the address that could accept it",
        ASK_AGAIN,
    )


def _holds_signature(wrapped: bytes) -> bool:
    with suppress(InvalidMessage):
        return bool(unwrap(wrapped))
    return False


def recognise_wallet(chain: Chain, account: ChecksumAddress) -> tuple[str, str]:
    """Return what a wallet calls itself, and the class that signs for it. At most four requests.

    In one batch if the node takes batches. A question that the wallet does not answer is asked once more.

    A contract can call itself what it likes, so the result is good for advice only.
    """
    functions = chain.bind(account, WALLET_ABI).functions
    version = partial(chain.read, functions.VERSION())
    module = partial(chain.read, functions.isModuleEnabled(account))
    domain = partial(chain.read, functions.eip712Domain())
    probe = partial(chain.read, functions.isValidSignature(NESTED_PROBE, b""))
    with chain.reading_ahead():
        chain.read_ahead(version, module, domain, probe)
        return _recognise(version, module, domain, probe)


def _recognise(version: Reader, module: Reader, domain: Reader, probe: Reader) -> tuple[str, str]:
    told = _ask(version)
    if isinstance(told, str) and isinstance(_ask(module), bool):
        return f"a Safe {told}" if VERSION.fullmatch(told) else "a Safe", "`SafeSigner`"
    named = _ask(domain)
    name = named[1] if named and isinstance(named[1], str) else ""
    if name in SIGNERS:
        return f"a {name}", f"`{SIGNERS[name]}`"
    if _ask(probe) == NESTED_ANSWER:
        return "a wallet with nested signatures (ERC-7739)", "`NestedSigner`"
    return "a contract", "a signer for this wallet"


def _ask(reader: Reader) -> Any:
    """Return an answer of the wallet, or None if it has no such function."""
    with suppress(NvmChainError):
        return reader()
    return None
