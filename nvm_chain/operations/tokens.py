"""ERC-20 tokens: symbols, decimals, balances, allowances and approvals."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction

from nvm_chain.chain.abi_entries import describe_event, describe_function
from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import is_test_usdc
from nvm_chain.chain.networks import find_usdc
from nvm_chain.chain.nonce_search import is_undoable
from nvm_chain.chain.receipts import summarize
from nvm_chain.errors import (
    AnswerUnreadable,
    InsufficientFunds,
    InvalidAmount,
    InvalidConfig,
    NetworkError,
    NoContract,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
    TransactionError,
)
from nvm_chain.errors.fields import Quantity
from nvm_chain.signing.keys import Signer
from nvm_chain.terms.money import write_token
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address, parse_token_address
from nvm_chain.types.amounts import NATIVE_DECIMALS, USDC_DECIMALS, check_decimals, check_uint, format_units
from nvm_chain.types.receipts import Transaction
from nvm_chain.types.token_labels import TokenLabel

ERC20_ABI: Final = (
    describe_function("symbol", "", "string", "view"),
    describe_function("decimals", "", "uint8", "view"),
    describe_function("balanceOf", "address", "uint256", "view"),
    describe_function("allowance", "address address", "uint256", "view"),
    describe_function(
        "approve", "address uint256", "", "nonpayable"
    ),  # some tokens return nothing, so nothing is decoded
    describe_event("Transfer", ("from", "address", True), ("to", "address", True), ("value", "uint256", False)),
)
"""The part of ERC-20 that paying for a plan needs."""

MAX_SYMBOL_LENGTH: Final = 16

MoneyError = TypeVar("MoneyError", bound=NvmChainError)


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token's symbol and decimals, as the token tells them. The symbol is shortened for display, and may be false."""

    address: ChecksumAddress
    symbol: str
    decimals: Quantity


def read_token_info(chain: Chain, token: str) -> TokenInfo:
    """Read a token's symbol and decimals. One request, or three if the node refuses batches.

    The answer is kept, and a second call makes no request, except on a development chain. A missing or unprintable
    symbol becomes ``token``.

    Raises:
        NoContract: There is no code at the token's address.
        InvalidConfig: The token does not tell its decimals.
        NetworkError: The node does not give a usable answer.
    """
    address = parse_token_address(token)
    known: TokenInfo | None = chain.facts.find("token info", address)
    if known is not None:
        return known
    with chain.reading_ahead(*token_info_readers(chain, address)):
        info = _read_token_info(chain, address)
    return info if is_undoable(chain) else chain.facts.keep(info, "token info", address)


def token_info_readers(chain: Chain, token: str) -> tuple[Reader, ...]:
    """Return the readers of `read_token_info`. `Chain.read_ahead` sends their requests as one batch. No request."""
    address = parse_token_address(token)
    if chain.facts.find("token info", address) is not None:
        return ()
    functions = chain.bind(address, ERC20_ABI).functions
    readers = (partial(chain.read, functions.decimals()), partial(chain.read, functions.symbol()))
    return partial(chain.read_code, address), *readers


def _read_token_info(chain: Chain, address: ChecksumAddress) -> TokenInfo:
    contract = chain.bind(address, ERC20_ABI)
    chain.read_code(address)
    try:
        decimals = chain.read(contract.functions.decimals())
    except (AnswerUnreadable, TransactionError) as error:
        raise InvalidConfig(
            f"the token at {address} does not tell its decimals, so prices in it cannot be checked"
        ) from error
    try:
        symbol = chain.read(contract.functions.symbol())
    except (AnswerUnreadable, TransactionError):
        symbol = ""
    cleaned = "".join(character for character in symbol if character.isalnum() and character.isascii())
    return TokenInfo(address, cleaned[:MAX_SYMBOL_LENGTH] or "token", decimals)


def name_money(chain: Chain, error: MoneyError, token: str) -> MoneyError:
    """Add a token's symbol and decimals to an error, and return the error. Its message then shows whole units.

    No request for the native coin and for the chain's USDC. Other tokens take the requests of `read_token_info`. If the
    token does not answer, the error stays unchanged, and nothing is raised.
    """
    with suppress(NvmChainError):
        label = read_token_label(chain, token)
        if label is not None:
            return error.name_token(write_token(token, label), label.decimals)
    return error


def read_token_label(chain: Chain, token: str) -> TokenLabel | None:
    """Return the symbol and the decimals of a price's token. None if the token does not tell its decimals.

    No request for the native coin and for the chain's USDC. For other tokens, the requests of `read_token_info`.
    """
    if token == ZERO_ADDRESS:
        return TokenLabel("ETH", NATIVE_DECIMALS)
    if token == chain.usdc:
        return TokenLabel("USDC", USDC_DECIMALS)
    with suppress(NoContract, InvalidConfig, InvalidAmount):
        info = read_token_info(chain, token)
        return TokenLabel(info.symbol, check_decimals(info.decimals), is_known=False)
    return None


def read_token_balance(chain: Chain, token: str, holder: str) -> int:
    """Read the balance of an address in a token, in base units. One request."""
    contract = chain.bind(parse_token_address(token), ERC20_ABI)
    return int(chain.read(contract.functions.balanceOf(parse_address(holder, "holder address"))))


def check_funds(chain: Chain, token: ChecksumAddress, payer: ChecksumAddress, cost: int) -> None:
    """Raise InsufficientFunds if the payer has less of a token than the cost. One request.

    If the token is a TestUSDC, the error names its faucet.
    """
    balance = read_token_balance(chain, token, payer)
    if balance < cost:
        error = name_money(chain, InsufficientFunds(token, payer, balance, cost), token)
        with suppress(NetworkError):
            if token == chain.usdc and find_usdc(chain.chain_id) is None and is_test_usdc(chain, token):
                missing = format_units(cost - balance, USDC_DECIMALS)
                error.explain("it is test money", f"take {missing} USDC for {payer} with `mint_test_usdc`")
        raise error


def read_allowance(chain: Chain, token: str, owner: str) -> int:
    """Read an owner's allowance for the Credits contract, in base units of a token. One request."""
    contract = chain.bind(parse_token_address(token), ERC20_ABI)
    spender = chain.credits.address
    return int(chain.read(contract.functions.allowance(parse_address(owner, "owner address"), spender)))


def approve_token_spending(chain: Chain, signer: Signer, token: str, amount: int) -> Transaction:
    """Allow the Credits contract to take exactly ``amount`` base units of a token from the signer. One transaction.

    Some tokens, such as USDT, refuse to change an allowance above zero. For these tokens, one more transaction sets the
    allowance to zero before.
    """
    check_uint(amount, 256, "amount")
    approve = partial(build_approval, chain, token)
    try:
        return summarize(chain.send(signer, approve(amount)))
    except (NotMined, OutcomeUnknown):
        raise
    except TransactionError:
        if amount == 0 or read_allowance(chain, token, signer.address) == 0:
            raise
        chain.send(signer, approve(0))
        return summarize(chain.send(signer, approve(amount)))


def approval_readers(chain: Chain, token: str, owner: ChecksumAddress, amount: int) -> tuple[Reader, ...]:
    """Return the readers that `approve_token_spending` needs before it sends, for `Chain.read_ahead`. No request.

    Returns an empty tuple if the amount is not a uint256, because no such approval is sent.
    """
    if not 0 <= amount < 1 << 256:
        return ()
    return chain.sending_readers(owner, build_approval(chain, token, amount))


def build_approval(chain: Chain, token: str, amount: int) -> ContractFunction:
    """Return the call that approves ``amount`` base units for the Credits contract. No request."""
    functions = chain.bind(parse_token_address(token), ERC20_ABI).functions
    return functions.approve(chain.credits.address, amount)


def mint_test_usdc(chain: Chain, signer: Signer, to: str, amount: int) -> Transaction:
    """Mint ``amount`` base units of TestUSDC from its faucet. One transaction. The real USDC does not have a faucet."""
    if chain.usdc is None:
        raise InvalidConfig(
            f"no USDC is known on chain {chain.chain_id}",
            "connect in the folder where you deployed, or with `connect(…, records=path)`",
        )
    check_uint(amount, 256, "amount", minimum=1)
    faucet = chain.bind(chain.usdc, read_artifact("TestUSDC").abi).functions.mint
    return summarize(chain.send(signer, faucet(parse_address(to, "receiver address"), amount)))
