"""Too little USDC where it costs nothing: a development chain's TestUSDC has a faucet, and the error names its command."""

from collections.abc import Iterator
from contextlib import contextmanager

from nvm_chain.cli.lazy import amounts, demo, embedded, errors
from nvm_chain.cli.session import EMBEDDED, Session


@contextmanager
def explained_funds(session: Session) -> Iterator[None]:
    """Explain how to get the TestUSDC that is missing. Two more requests, only if it is missing."""
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
    """Return whether a token is the TestUSDC of a development chain. False if the node does not say."""
    chain = session.chain
    if chain is None or session.network == EMBEDDED or token != chain.usdc:
        return False
    try:
        return bool(demo.is_development_chain(chain) and embedded.is_test_usdc(chain, chain.usdc))
    except errors.NvmChainError:
        return False
