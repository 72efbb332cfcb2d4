"""Wallets that do not exist yet (ERC-6492): the deployment in a signature, and calls that run after it without a transaction.

A wrapped signature names a factory and a call of it. The factory could be any contract, so a caller decides which ones
it allows, before anything is called.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError, InsufficientDataBytes
from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.priced_calls import call_priced
from nvm_chain.errors import FactoryNotAllowed, InvalidAddress, InvalidMessage, TransactionError, WalletNotDeployable
from nvm_chain.operations.receivers import read_code
from nvm_chain.signing.wallets.wrapping import MAX_SIZE, is_wrapped
from nvm_chain.types.addresses import parse_address

DEPLOY_GAS: Final = 1_500_000
"""The most gas of a deployment. A wallet behind a proxy takes 150,000 to 400,000."""
_MAGIC_BYTES: Final = 32
_COPY: Final = "63{size:08x}63{start:08x}600039"
_CALL: Final = "6000600063{size:08x}6000600073{target}5af1"
_OR_REVERT: Final = "63{after:08x}573d600060003e3d6000fd5b"
_STOP: Final = "00"


class RawCall(NamedTuple):
    """A call of a contract, as bytes."""

    target: ChecksumAddress
    data: bytes


def read_deployment(signature: bytes) -> RawCall | None:
    """Return the call that deploys the wallet of a wrapped signature. None if the signature is not wrapped so.

    >>> read_deployment(bytes(65)) is None
    True
    """
    if not is_wrapped(signature) or len(signature) > MAX_SIZE:
        return None
    try:
        factory, data, _ = decode(("address", "bytes", "bytes"), signature[:-_MAGIC_BYTES])
        return RawCall(parse_address(factory, "factory address"), data)
    except (DecodingError, InsufficientDataBytes, InvalidAddress, OverflowError):
        return None


def find_allowed_deployment(signature: bytes, factories: Collection[str]) -> RawCall | None:
    """Return the call that deploys the wallet of a signature. None if the signature does not have one. No request.

    Raises:
        FactoryNotAllowed: The call is of a contract that is not one of ``factories``.
    """
    deployment = read_deployment(signature)
    if deployment is not None and deployment.target not in factories:
        raise FactoryNotAllowed(deployment.target)
    return deployment


def check_deployment(chain: Chain, payer: ChecksumAddress, deployment: RawCall, sender: ChecksumAddress) -> None:
    """Raise WalletNotDeployable if a factory does not deploy a wallet now. At most two requests."""
    try:
        call = {"from": sender, "to": deployment.target, "data": f"0x{deployment.data.hex()}", "gas": DEPLOY_GAS}
        call_priced(chain, call)
    except TransactionError:
        if not read_code(chain, payer):  # somebody else may have deployed it just now
            raise WalletNotDeployable(payer, deployment.target) from None


def write_script(calls: Sequence[RawCall]) -> bytes:
    """Return creation code that makes calls one after the other. It reverts as the first call that fails does.

    A node that runs the code as a creation shows what the last call would do after the others. Nothing is sent.
    """
    parts = [(call, 0, 0) for call in calls]
    for _ in range(2):  # the places are known after the code has been written once
        code, data, heads = "", "", []
        for call, start, after in parts:
            size = len(call.data)
            code += _COPY.format(size=size, start=start)
            code += _CALL.format(size=size, target=call.target[2:].lower())
            code += _OR_REVERT.format(after=after)
            heads.append((call, len(data) // 2, len(code) // 2 - 1))
            data += call.data.hex()
        code += _STOP
        parts = [(call, len(code) // 2 + place, after) for call, place, after in heads]
    return bytes.fromhex(code + data)


def run_script(chain: Chain, calls: Sequence[RawCall], sender: ChecksumAddress, *, gas: int) -> None:
    """Make calls one after the other without a transaction. Mostly one request.

    Raises:
        TransactionError: One of the calls fails.
        NetworkError: The node does not give a usable answer.
    """
    data = f"0x{write_script(calls).hex()}"
    if len(data) > 2 * MAX_SIZE:
        raise InvalidMessage("deployment of a wallet", f"its call has more than {MAX_SIZE // 2:,} bytes")
    call_priced(chain, {"from": sender, "data": data, "gas": gas})
