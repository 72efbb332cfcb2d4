"""EIP-712 domains of tokens, as the tokens tell them. Permits and authorizations are signed in such a domain."""

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
    describe_function("eip712Domain", "", "bytes1 string string uint256 address bytes32 uint256[]"),
    describe_function("nonces", "address", "uint256"),
    describe_function("PERMIT_TYPEHASH", "", "bytes32"),
    describe_function("authorizationState", "address bytes32", "bool"),
    describe_event("AuthorizationUsed", ("authorizer", "address", True), ("nonce", "bytes32", True)),
)
"""Functions and an event of tokens that accept signatures (EIP-2612, EIP-3009, ERC-5267)."""
DOMAIN_FIELDS: Final = 0b01111
"""The bits of a domain with name, version, chain id and contract, and without salt (ERC-5267)."""

USDC_DOMAINS: Final = (("USDC", "2"), ("USD Coin", "2"))
"""The usual names and versions of USDC's domain."""
USUAL_VERSION: Final = "1"
"""The version of a token without a function ``version``, such as OpenZeppelin's permit tokens."""


def read_token_domain(chain: Chain, token: str) -> Domain:
    """Read a token's EIP-712 domain, and compare its separator with the token's own.

    One request, or three if the node refuses batches. A later call asks only for the separator. A token without
    ``DOMAIN_SEPARATOR`` is asked for its domain by one more request (ERC-5267).

    Raises:
        TokenCannotSign: The token does not have a domain with name, version, chain id and contract.
    """
    address = parse_token_address(token)
    with chain.reading_ahead(*domain_readers(chain, address)):
        separator = _read(chain, address, "DOMAIN_SEPARATOR")
        for likely in _list_domains(chain, address):
            if likely.separator == separator:
                return chain.facts.keep(likely, "domain", address)
        if separator is not None:
            chain.read_ahead(*(partial(_read, chain, address, name) for name in ("name", "version")))
            name, version = _read(chain, address, "name"), _read(chain, address, "version") or USUAL_VERSION
            domain = _build_domain(chain, address, name, version)
            if domain is not None and domain.separator == separator:
                return chain.facts.keep(domain, "domain", address)
        domain = _read_told_domain(chain, address)
    if domain is None or separator not in (None, domain.separator):
        raise TokenCannotSign(address)
    return chain.facts.keep(domain, "domain", address)


def _build_domain(chain: Chain, token: ChecksumAddress, name: object, version: object) -> Domain | None:
    """Return a token's domain, or None if the name or the version cannot be part of one. No request."""
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    try:
        return Domain(name, version, chain.chain_id, token)
    except InvalidConfig:
        return None


def _read_told_domain(chain: Chain, token: ChecksumAddress) -> Domain | None:
    """Return the domain that a token tells by ERC-5267. None if it tells none, or one of another form. One request."""
    told = _read(chain, token, "eip712Domain")
    if told is None:
        return None
    fields, name, version, chain_id, contract, _, extensions = told
    is_usual = int.from_bytes(fields) == DOMAIN_FIELDS and not extensions
    if not is_usual or (chain_id, contract) != (chain.chain_id, token):
        return None
    return _build_domain(chain, token, name, version)


def domain_readers(chain: Chain, token: ChecksumAddress) -> tuple[Reader, ...]:
    """Return the readers of `read_token_domain`. `Chain.read_ahead` sends their requests as one batch. No request."""
    names = ("DOMAIN_SEPARATOR",) if _list_domains(chain, token) else ("DOMAIN_SEPARATOR", "name", "version")
    return tuple(partial(_read, chain, token, name) for name in names)


def _list_domains(chain: Chain, token: ChecksumAddress) -> tuple[Domain, ...]:
    """Return the token's known domain alone, or else its likely domains. The token's separator tells the right one."""
    known = _find_known_domain(chain, token)
    if known is not None:
        return (known,)
    return tuple(Domain(*usual, chain.chain_id, token) for usual in USDC_DOMAINS) if token == chain.usdc else ()


def _find_known_domain(chain: Chain, token: ChecksumAddress) -> Domain | None:
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
    with chain.reading_ahead(*permit_readers(chain, address, payer)):
        domain = read_token_domain(chain, address)
        nonce = _read(chain, address, "nonces", payer)
        if nonce is None or not _takes_permits(chain, domain):
            raise TokenCannotSign(address)
    return PermitTerms(domain, int(nonce))


def permit_readers(chain: Chain, token: ChecksumAddress, owner: ChecksumAddress) -> tuple[Reader, ...]:
    """Return the readers of `read_permit_terms`. `Chain.read_ahead` sends their requests as one batch. No request."""
    domain = _find_known_domain(chain, token)
    takes = (
        partial(_read, chain, token, "PERMIT_TYPEHASH") if domain is None else partial(_takes_permits, chain, domain)
    )
    return *domain_readers(chain, token), partial(_read, chain, token, "nonces", owner), takes


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
