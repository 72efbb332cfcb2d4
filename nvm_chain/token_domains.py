"""The EIP-712 domain of a token, read from the token: what permits and authorizations are signed for."""

from typing import Any, Final, NamedTuple

from eth_typing import ChecksumAddress

from nvm_chain.abis import describe_event, describe_function
from nvm_chain.addresses import parse_address
from nvm_chain.chain import Chain
from nvm_chain.eip712 import Domain
from nvm_chain.errors import AnswerUnreadable, InvalidConfig, TokenCannotSign, TransactionError
from nvm_chain.event_types import EventFilter
from nvm_chain.permits import PERMIT

SIGNING_ABI: Final = (
    describe_function("name", "", "string"),
    describe_function("version", "", "string"),
    describe_function("DOMAIN_SEPARATOR", "", "bytes32"),
    describe_function("nonces", "address", "uint256"),
    describe_function("PERMIT_TYPEHASH", "", "bytes32"),
    describe_function("authorizationState", "address bytes32", "bool"),
    describe_event("AuthorizationUsed", ("authorizer", "address", True), ("nonce", "bytes32", True)),
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


class PermitTerms(NamedTuple):
    """What an owner's next permit is signed for: the token's domain and the nonce."""

    domain: Domain
    nonce: int


def read_permit_terms(chain: Chain, token: str, owner: str) -> PermitTerms:
    """Read what an owner's next permit (EIP-2612) is signed for. Five requests.

    Raises TokenCannotSign if the token takes no permits, or some of another kind, as DAI does.
    """
    address = parse_address(token, "token address")
    domain = read_token_domain(chain, address)
    nonce = _read(chain, address, "nonces", parse_address(owner, "owner address"))
    # Most tokens say nothing of their type.
    if nonce is None or _read(chain, address, "PERMIT_TYPEHASH") not in (None, PERMIT.type_hash):
        raise TokenCannotSign(address)
    return PermitTerms(domain, int(nonce))


def is_authorization_used(chain: Chain, token: str, authorizer: str, nonce: bytes) -> bool:
    """Read whether an authorization (EIP-3009) was used or canceled. One request. Raises TokenCannotSign if it takes none."""
    address = parse_address(token, "token address")
    used = _read(chain, address, "authorizationState", parse_address(authorizer, "payer address"), nonce)
    if used is None:
        raise TokenCannotSign(address)
    return bool(used)


def find_authorization_use(chain: Chain, token: str, authorizer: str, nonce: bytes) -> str | None:
    """Find the transaction that used an authorization; None if it was canceled. Two requests.

    Raises RpcFailed where the node does not search the whole chain.
    """
    contract = chain.bind(parse_address(token, "token address"), SIGNING_ABI)
    wanted = EventFilter(("AuthorizationUsed",), ((authorizer,), (int.from_bytes(nonce),)))
    found = chain.read_logs(contract, wanted, 0, chain.read_block().number)
    return found[0].transaction_hash if found else None


def _read(chain: Chain, token: ChecksumAddress, name: str, *arguments: object) -> Any:
    """Call a function that a token may not have; None if it has not, or answers what cannot be read.

    A node that refuses to say, or that knows no such contract, is no such answer: who took it for one would sign nothing, and pay
    twice. Raises NoContract.
    """
    try:
        return chain.read(chain.bind(token, SIGNING_ABI).functions[name](*arguments))
    except (AnswerUnreadable, TransactionError):
        return None
