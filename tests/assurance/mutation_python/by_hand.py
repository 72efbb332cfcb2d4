"""Mistakes that mutmut does not make: it leaves alone what is outside of functions, and functions with a decorator."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """What is written in place of what is right, in one module."""

    name: str
    module: str
    right: str
    wrong: str


MISTAKES = (
    Mistake(
        "a signed type without the deadline", "signing/vouchers", "bytes32 context,uint64 deadline)", "bytes32 context)"
    ),
    Mistake("a signed type of other widths", "signing/vouchers", "uint64 ceiling", "uint256 ceiling"),
    Mistake("a domain of another name", "signing/vouchers", '"nvm_chain Credits"', '"nvm_chain"'),
    Mistake(
        "a domain of another version", "signing/vouchers", 'DOMAIN_VERSION: Final = "1"', 'DOMAIN_VERSION: Final = "2"'
    ),
    Mistake("a ceiling a bit wider", "signing/vouchers", "CEILING_BITS: Final = 64", "CEILING_BITS: Final = 65"),
    Mistake("a deadline a bit narrower", "signing/vouchers", "DEADLINE_BITS: Final = 64", "DEADLINE_BITS: Final = 63"),
    Mistake(
        "a domain that forgets the chain",
        "signing/vouchers",
        "DOMAIN_VERSION, chain_id, parse",
        "DOMAIN_VERSION, 1, parse",
    ),
    Mistake(
        "a voucher that may be mutated",
        "signing/vouchers",
        "@dataclass(frozen=True, slots=True)\nclass Voucher:",
        "@dataclass(slots=True)\nclass Voucher:",
    ),
    Mistake(
        "a message without its signature",
        "signing/json_messages",
        'return struct, reader.read_bytes("signature")',
        'return struct, b""',
    ),
    Mistake("one split more", "types/prices", "MAX_SPLITS: Final = 16", "MAX_SPLITS: Final = 17"),
    Mistake("an amount a bit wider", "types/prices", "AMOUNT_BITS: Final = 96", "AMOUNT_BITS: Final = 97"),
    Mistake("credits a bit wider", "types/credits", "CREDITS_BITS: Final = 32", "CREDITS_BITS: Final = 33"),
    Mistake("a duration a bit narrower", "types/credits", "DURATION_BITS: Final = 32", "DURATION_BITS: Final = 31"),
    Mistake("another basis of points", "types/plans", "BPS: Final = 10_000", "BPS: Final = 10_001"),
    Mistake("a month of 31 days", "types/credits", "ONE_MONTH_DURATION: Final = 30", "ONE_MONTH_DURATION: Final = 31"),
    Mistake("USDC with 18 decimals", "types/amounts", "USDC_DECIMALS = 6", "USDC_DECIMALS = 18"),
    Mistake("a coin with 17 decimals", "types/amounts", "NATIVE_DECIMALS = 18", "NATIVE_DECIMALS = 17"),
    Mistake("one decimal more", "types/amounts", "MAX_DECIMALS = 77", "MAX_DECIMALS = 78"),
    Mistake("digits without end", "types/amounts", "MAX_DIGITS = 1000", "MAX_DIGITS = 10**10"),
    Mistake("another prefix", "types/ids", 'DID_PREFIX: Final = "did:nv:"', 'DID_PREFIX: Final = "did:nvm:"'),
    Mistake("terms in narrower amounts", "types/ids", "(address,uint96)[]", "(address,uint64)[]"),
    Mistake("terms in another order", "types/ids", "uint8,bool,bool)", "bool,uint8,bool)"),
)
