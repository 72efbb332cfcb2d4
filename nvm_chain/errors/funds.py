"""Errors for missing money. They are raised before the transaction that would fail is sent."""

from nvm_chain.errors.families import FundsError
from nvm_chain.errors.fields import Coin, Money


class InsufficientFunds(FundsError):
    """Raised when a payer has too little of a token, in base units."""

    token: str
    payer: str
    balance: Money
    required: Money

    problem = "{payer} needs {required}, but has {balance:short}."
    next_step = "Send {required:minus balance} more to {payer}."


class InsufficientAllowance(FundsError):
    """Raised when a payer has approved too little of a token, in base units, and approving is switched off."""

    token: str
    payer: str
    spender: str
    allowance: Money
    required: Money

    problem = "{payer} needs an allowance of {required} for {spender}, but has approved {allowance:short}."
    next_step = "Approve {required:short}, or order with `payment_method='approve'`."


class InsufficientCoin(FundsError):
    """Raised when an account has too little native coin, in wei, for a transaction's value and gas."""

    account: str
    balance: Coin
    required: Coin

    problem = "{account} needs {required} for value and gas, but has {balance}."
    next_step = "Send {required:minus balance} more to {account}."
