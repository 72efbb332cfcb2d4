"""The EIP-712 domain of a token, read from the token: what permits and authorizations are signed for."""

from typing import Any, Final

from eth_typing import ChecksumAddress

from nvm_chain.addresses import parse_address
from nvm_chain.chain import Chain
from nvm_chain.eip712 import Domain
from nvm_chain.errors import InvalidConfig, NoContract, RpcFailed, TokenCannotSign, TransactionError
from nvm_chain.permits import PERMIT


def _view(name: str, inputs: str, output: str) -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "stateMutability": "view",
        "inputs": [{"name": "", "type": kind} for kind in inputs.split()],
        "outputs": [{"name": "", "type": output}],
    }


SIGNING_ABI: Final = (
    _view("name", "", "string"),
    _view("version", "", "string"),
    _view("DOMAIN_SEPARATOR", "", "bytes32"),
    _view("nonces", "address", "uint256"),
    _view("PERMIT_TYPEHASH", "", "bytes32"),
    _view("authorizationState", "address bytes32", "bool"),
)
"""What a token says of the signatures it takes (EIP-2612, EIP-3009)."""

USUAL_VERSION: Final = "1"
"""The version of tokens that tell none, as OpenZeppelin's permit tokens."""


def read_token_domain(chain: Chain, token: str) -> Domain:
    """Read a token's EIP-712 domain, and check that its separator is the token's own. Three requests.

    Raises TokenCannotSign if the token has none, or one of another form.
    """
    address = parse_address(token, "token address")
    separator, name = _read(chain, address, "DOMAIN_SEPARATOR"), _read(chain, address, "name")
    if separator is None or name is None:
        raise TokenCannotSign(address)
    try:
        domain = Domain(name, _read(chain, address, "version") or USUAL_VERSION, chain.chain_id, address)
    except InvalidConfig:
        raise TokenCannotSign(address) from None
    if domain.separator != separator:
        raise TokenCannotSign(address)
    return domain


def read_permit_nonce(chain: Chain, token: str, owner: str) -> int:
    """Read the nonce of an owner's next permit (EIP-2612). One request. Raises TokenCannotSign if the token takes none."""
    address = parse_address(token, "token address")
    nonce = _read(chain, address, "nonces", parse_address(owner, "owner address"))
    if nonce is None:
        raise TokenCannotSign(address)
    return int(nonce)


def is_authorization_used(chain: Chain, token: str, authorizer: str, nonce: bytes) -> bool:
    """Read whether an authorization (EIP-3009) was used or canceled. One request. Raises TokenCannotSign if it takes none."""
    address = parse_address(token, "token address")
    used = _read(chain, address, "authorizationState", parse_address(authorizer, "payer address"), nonce)
    if used is None:
        raise TokenCannotSign(address)
    return bool(used)


def takes_permits(chain: Chain, token: str, owner: str) -> bool:
    """Read whether a permit of an owner can be signed for a token. At most five requests."""
    try:
        read_token_domain(chain, token)
        read_permit_nonce(chain, token, owner)
    except TokenCannotSign:
        return False
    # Some tokens (DAI) have permits of another kind, and say so here. Most say nothing.
    return _read(chain, parse_address(token, "token address"), "PERMIT_TYPEHASH") in (None, PERMIT.type_hash)


def _read(chain: Chain, token: ChecksumAddress, name: str, *arguments: object) -> Any:
    """Call a function that a token may not have; None if it has not, or answers what cannot be read."""
    try:
        return chain.read(chain.bind(token, SIGNING_ABI).functions[name](*arguments))
    except (NoContract, RpcFailed, TransactionError):
        return None
