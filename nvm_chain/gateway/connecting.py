"""The chain of a gateway, and the account of its redeemer, as its configuration names them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from eth_account.signers.local import LocalAccount

from nvm_chain.chain.client import Chain
from nvm_chain.chain.connecting import connect
from nvm_chain.chain.records import DEFAULT_FOLDER
from nvm_chain.errors import KeyFailure
from nvm_chain.gateway.configuration.parts import GatewayConfig, RedeemerPart
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.signing.keys import check_keyfile, read_key_from_environment, read_keyfile

PASSWORD_VARIABLE: Final = "NVM_CHAIN_PASSWORD"  # noqa: S105  the variable's name


def open_chain(config: GatewayConfig) -> Chain:
    """Connect to the chain of a configuration whose secrets are filled in.

    Deployment records are those of the folder that the file names, or of ``deployments`` beside the file if it is there.

    Raises:
        NetworkError: The node does not answer, or serves another chain.
        DeploymentError: The contracts are not where they should be.
        InvalidConfig: The network or the node's URL is malformed.
    """
    part, beside = config.chain, config.folder / DEFAULT_FOLDER
    return connect(
        part.network or part.rpc or "",
        rpc_url=part.rpc if part.network else None,
        credits=part.credits,
        agents=part.agents,
        chain_id=part.chain_id,
        records=part.deployments or (beside if beside.is_dir() else None),
    )


def read_redeemer(
    config: GatewayConfig, secrets: Secrets, chain: Chain, environment: Mapping[str, str] | None = None
) -> LocalAccount:
    """Return the account of the redeemer's key. Nobody is asked for a password. A key file takes about a second.

    Args:
        config: The configuration.
        secrets: Its secrets.
        chain: The chain, for a development account.
        environment: The variables. Those of the process if not given. A private key is always read from the process.

    Raises:
        KeyFailure: The key or its password is missing or wrong. The error never shows them.
        InvalidConfig: The password's reference names a secret that is not there.
    """
    return _read_key(config.redeemer, secrets, chain, environment, _REDEEMER)


def read_minter(
    config: GatewayConfig, secrets: Secrets, chain: Chain, environment: Mapping[str, str] | None = None
) -> LocalAccount | None:
    """Return the account of the key that grants plans for transfers. None if the file names none. See `read_redeemer`."""
    return None if config.minter is None else _read_key(config.minter, secrets, chain, environment, _MINTER)


_REDEEMER: Final = "[redeemer]"
_MINTER: Final = "[x402] minter"


def _read_key(
    part: RedeemerPart, secrets: Secrets, chain: Chain, environment: Mapping[str, str] | None, table: str
) -> LocalAccount:
    if part.dev_account is not None:
        return _find_dev_account(chain, part.dev_account, table)
    if part.key_env is not None:
        return read_key_from_environment(part.key_env)
    path = part.keyfile or Path()
    check_keyfile(path)
    if part.password is not None:
        return read_keyfile(path, secrets.resolve(part.password))
    password = (os.environ if environment is None else environment).get(PASSWORD_VARIABLE)
    if password is None:
        secret = "sealed:redeemer" if table == _REDEEMER else "sealed:minter"
        advice = f'write password = "{secret}" below {table}, or set {PASSWORD_VARIABLE}'
        raise KeyFailure(f"key file {path}", "it needs a password", advice)
    return read_keyfile(path, password)


def _find_dev_account(chain: Chain, number: int, table: str) -> LocalAccount:
    source = f"development account {number}"
    if not chain.accounts:
        problem = f"chain {chain.chain_id} is not a development chain, and the keys of development accounts are public"
        raise KeyFailure(source, problem, f"write `keyfile` below {table} in place of `dev_account`")
    account: LocalAccount = chain.accounts[number]
    return account
