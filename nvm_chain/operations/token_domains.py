"""EIP-712 domains of tokens, as the tokens tell them. Permits and authorizations are signed for such a domain."""

from functools import partial
from typing import Any, Final, NamedTuple

from eth_typing import ChecksumAddress

from nvm_chain.chain.abi_entries import describe_event, describe_function
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.chain.events import find_newest_event
from nvm_chain.errors import AnswerUnreadable, InvalidConfig, TokenCannotSign, TransactionError
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.permits import PERMIT
from nvm_chain.types.addresses import parse_address, parse_token_address
from nvm_chain.types.events import EventFilter

SIGNING_ABI: Final = (
    describe_function("name", "", "string"),
    describe_function("version", "", "string"),
    describe_function("DOMAIN_SEPARATOR", "", "bytes32"),
    describe_function("nonces", "address", "uint256"),
    describe_function("PERMIT_TYPEHASH", "", "bytes32"),
    describe_function("authorizationState", "address bytes32", "bool"),
    describe_event("AuthorizationUsed", ("authorizer", "address", True), ("nonce", "bytes32", True)),
)
"""Functions and an event of tokens that accept signatures (EIP-2612, EIP-3009)."""

USDC_DOMAINS: Final = (("USDC", "2"), ("USD Coin", "2"))
"""The usual names and versions of USDC's domain."""
USUAL_VERSION: Final = "1"
"""The version of a token without a function ``version``, such as OpenZeppelin's permit tokens."""


def read_token_domain(chain: Chain, token: str) -> Domain:
    """Read a token's EIP-712 domain, and compare its separator with the token's own.

    One request, or three if the node refuses batches. A later call asks only for the separator.

    Raises:
        TokenCannotSign: The token does not have a domain with name, version, chain id and contract.
    """
    address = parse_token_address(token)
    with chain.reading_ahead(*domain_questions(chain, address)):
        separator = _read(chain, address, "DOMAIN_SEPARATOR")
        for likely in _find_domains(chain, address):
            if likely.separator == separator:
                return chain.facts.keep(likely, "domain", address)
        chain.read_ahead(*(partial(_read, chain, address, name) for name in ("name", "version")))
        name = _read(chain, address, "name")
        if separator is None or name is None:
            raise TokenCannotSign(address)
        try:
            domain = Domain(name, _read(chain, address, "version") or USUAL_VERSION, chain.chain_id, address)
        except InvalidConfig:
            raise TokenCannotSign(address) from None
    if domain.separator != separator:
        raise TokenCannotSign(address)
    return chain.facts.keep(domain, "domain", address)


def domain_questions(chain: Chain, token: ChecksumAddress) -> tuple[Reader, ...]:
    """Return the readers of `read_token_domain`, to run in one round trip by `Chain.read_ahead`. No request."""
    names = ("DOMAIN_SEPARATOR",) if _find_domains(chain, token) else ("DOMAIN_SEPARATOR", "name", "version")
    return tuple(partial(_read, chain, token, name) for name in names)


def _find_domains(chain: Chain, token: ChecksumAddress) -> tuple[Domain, ...]:
    """Return the token's known domain, or likely domains. The token's separator tells which domain is right."""
    known = _find_domain(chain, token)
    if known is not None:
        return (known,)
    return tuple(Domain(*usual, chain.chain_id, token) for usual in USDC_DOMAINS) if token == chain.usdc else ()


def _find_domain(chain: Chain, token: ChecksumAddress) -> Domain | None:
    known: Domain | None = chain.facts.find("domain", token)
    return known


class PermitTerms(NamedTuple):
    """The values for an owner's next permit: the token's domain, and the owner's nonce."""

    domain: Domain
    nonce: int


def read_permit_terms(chain: Chain, token: str, owner: str) -> PermitTerms:
    """Read the domain and the nonce for an owner's next permit (EIP-2612).

    One request, or five if the node refuses batches. Raises TokenCannotSign if the token does not accept permits, or
    only accepts permits of another type, as DAI does.
    """
    address, payer = parse_token_address(token), parse_address(owner, "owner address")
    with chain.reading_ahead(*permit_questions(chain, address, payer)):
        domain = read_token_domain(chain, address)
        nonce = _read(chain, address, "nonces", payer)
        if nonce is None or not _takes_permits(chain, domain):
            raise TokenCannotSign(address)
    return PermitTerms(domain, int(nonce))


def permit_questions(chain: Chain, token: ChecksumAddress, owner: ChecksumAddress) -> tuple[Reader, ...]:
    """Return the readers of `read_permit_terms`, to run in one round trip by `Chain.read_ahead`. No request."""
    domain = _find_domain(chain, token)
    takes = (
        partial(_read, chain, token, "PERMIT_TYPEHASH") if domain is None else partial(_takes_permits, chain, domain)
    )
    return *domain_questions(chain, token), partial(_read, chain, token, "nonces", owner), takes


def _takes_permits(chain: Chain, domain: Domain) -> bool:
    """Return whether a token's permits have the type of EIP-2612. True if the token does not tell the type.

    One request. The answer is kept for this connection.
    """
    if chain.facts.find("permits", domain) is None:
        takes = _read(chain, domain.address, "PERMIT_TYPEHASH") in (None, PERMIT.type_hash)
        chain.facts.keep(takes, "permits", domain)
    return bool(chain.facts.find("permits", domain))


def is_authorization_used(chain: Chain, token: str, authorizer: str, nonce: bytes) -> bool:
    """Read whether an authorization (EIP-3009) was used or canceled. One request.

    Raises TokenCannotSign if the token does not accept authorizations.
    """
    address = parse_token_address(token)
    used = _read(chain, address, "authorizationState", parse_address(authorizer, "payer address"), nonce)
    if used is None:
        raise TokenCannotSign(address)
    return bool(used)


def find_authorization_use(chain: Chain, token: str, authorizer: str, nonce: bytes) -> str | None:
    """Return the hash of the transaction that used an authorization. None if it was never used, or was canceled.

    Two requests, and more if the node limits the range of blocks. Raises RpcFailed, ConnectionFailed or BlockReplaced
    if the node does not search the whole chain.
    """
    contract = chain.bind(parse_token_address(token), SIGNING_ABI)
    wanted = EventFilter(("AuthorizationUsed",), ((authorizer,), (int.from_bytes(nonce),)))
    found = find_newest_event(chain, partial(chain.read_logs, contract, wanted))
    return None if found is None else found.transaction_hash


def _read(chain: Chain, token: ChecksumAddress, name: str, *arguments: object) -> Any:
    """Call a function of a token. None if the token does not have the function, or the answer is unreadable.

    Other errors of the node are raised, because they say nothing about the token. If such an error counted as a missing
    function, an order could be signed for a wrong domain, or be paid twice. Raises NoContract.
    """
    try:
        return chain.read(chain.bind(token, SIGNING_ABI).functions[name](*arguments))
    except (AnswerUnreadable, TransactionError):
        return None
