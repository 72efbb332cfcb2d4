"""Explanation of missing TestUSDC on a development chain. The error names the command of the faucet."""

from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote
from typing import Final

import click

from nvm_chain.cli.lazy import amounts, demo, embedded, errors
from nvm_chain.cli.session import EMBEDDED, Session

CHAIN_OPTIONS: Final = ("rpc", "network", "chain_id", "credits", "deployments")


@contextmanager
def explained_funds(session: Session) -> Iterator[None]:
    """Explain how to get missing TestUSDC. Makes two more requests if funds are missing."""
    try:
        yield
    except errors.InsufficientFunds as error:
        if _is_test_money(session, error.token):
            missing = amounts.format_units(error.required - error.balance, amounts.USDC_DECIMALS)
            command = f'nvm-chain faucet "{missing} USDC" --to {error.payer} --dev-account 0{_repeat_chain(session)}'
            error.explain("it is test money", f"take it: `{command}`")
        raise


def _repeat_chain(session: Session) -> str:
    """Return the options that name the chain, as typed. An URL with an access key is not repeated."""
    context = click.get_current_context(silent=True)
    if context is None or session.chain is None:
        return ""
    source = context.get_parameter_source
    typed = [name for name in CHAIN_OPTIONS if source(name) is click.core.ParameterSource.COMMANDLINE]
    values = {name: str(context.params[name]) for name in typed}
    if values.get("rpc") not in (None, session.chain.label):
        values["rpc"] = "URL"
    return "".join(f" --{name.replace('_', '-')} {quote(value)}" for name, value in values.items())


def _is_test_money(session: Session, token: str) -> bool:
    """Return whether a token is the TestUSDC of a development chain. False if the node does not answer."""
    chain = session.chain
    if chain is None or session.network == EMBEDDED or token != chain.usdc:
        return False
    try:
        return bool(demo.is_development_chain(chain) and embedded.is_test_usdc(chain, chain.usdc))
    except errors.NvmChainError:
        return False
