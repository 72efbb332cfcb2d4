"""Explanation of missing TestUSDC on a development chain. The error names the command of the faucet."""

from collections.abc import Iterator
from contextlib import contextmanager

from nvm_chain.cli.lazy import amounts, demo, embedded, errors
from nvm_chain.cli.session import EMBEDDED, Session


@contextmanager
def explained_funds(session: Session) -> Iterator[None]:
    """Explain how to get missing TestUSDC. Makes two more requests if funds are missing."""
    try:
        yield
    except errors.InsufficientFunds as error:
        if _is_test_money(session, error.token):
            missing = amounts.format_units(error.required - error.balance, amounts.USDC_DECIMALS)
            error.explain(
                "it is test money", f'take it: `nvm-chain faucet "{missing} USDC" --to {error.payer} --dev-account 0`'
            )
        raise


def _is_test_money(session: Session, token: str) -> bool:
    """Return whether a token is the TestUSDC of a development chain. False if the node does not answer."""
    chain = session.chain
    if chain is None or session.network == EMBEDDED or token != chain.usdc:
        return False
    try:
        return bool(demo.is_development_chain(chain) and embedded.is_test_usdc(chain, chain.usdc))
    except errors.NvmChainError:
        return False
