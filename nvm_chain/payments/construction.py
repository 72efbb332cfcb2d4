"""Construction of a Payments object, and the refusal of arguments of the hosted API."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from nvm_chain.chain.client import Chain
from nvm_chain.chain.connecting import connect
from nvm_chain.client.ceilings import CeilingFile, Ceilings, MemoryCeilings
from nvm_chain.errors import ConnectionFailed, InvalidConfig, NeedsVendor
from nvm_chain.payments.hosted_names import CONSTRUCT
from nvm_chain.payments.parameters import check_kind
from nvm_chain.payments.session import Gateway, Session
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signers import check_transaction_signer
from nvm_chain.storage.stores import InlineStore, MetadataStore

HOSTED: Final = (
    "nvm_api_key",
    "environment",
    "environment_name",
    "app_id",
    "version",
    "ai_protocol",
    "headers",
    "return_url",
    "options",
)
"""Arguments of Payments that only the hosted API has."""
_API_KEY: Final = re.compile(r"(?:.*:)?eyJ[\w-]*(?:\..*)?|(?:nvm|sandbox|live)[:_-].*", re.DOTALL)
"""API key of the hosted API: a JWT, often with the name of its environment in front."""


def refuse_hosted(chain: object, signer: object, named: Mapping[str, object]) -> None:
    """Refuse arguments of the hosted API. The error does not repeat their values, because they are secrets.

    Raises:
        NeedsVendor: An argument is an API key, an environment, or another setting of the hosted API.
        TypeError: An argument is unknown.
    """
    for name in named:
        if name not in HOSTED:
            raise TypeError(f"Payments() got an unexpected keyword argument {name!r}")
    if named:
        raise NeedsVendor(f"the argument {min(named)} of the hosted API's Payments", CONSTRUCT)
    is_key = isinstance(chain, str) and _API_KEY.fullmatch(chain) is not None
    if is_key or isinstance(chain, Mapping) or (isinstance(chain, str) and isinstance(signer, str)):
        raise NeedsVendor("an API key and an environment", CONSTRUCT)


def open_session(
    chain: Chain | str,
    signer: Signer | None,
    *,
    store: MetadataStore | None,
    gateway: Gateway | None,
    allow_file_urls: bool,
    state: Path | str | None,
) -> Session:
    """Check the arguments of a Payments object, and connect. Raises InvalidConfig, and the errors of `nvm_chain.connect`."""
    connected: Any = _connect(chain) if isinstance(chain, str) else chain
    check_kind("chain", connected, Chain, 'nvm_chain.connect("base:sepolia")')
    if signer is not None:
        check_transaction_signer(signer)
    check_kind("gateway", gateway, (Gateway, type(None)), "Gateway(url, redeemer)")
    if store is not None and not hasattr(store, "save"):
        raise InvalidConfig("the store is not a metadata store", "give one such as FolderStore(folder)")
    actor = signer or (connected.accounts[1] if len(connected.accounts) > 1 else None)
    if actor is None:
        raise InvalidConfig("only the embedded chain has accounts of its own", "give a signer: Payments(chain, signer)")
    ceilings = _open_ceilings(connected, actor, state)
    return Session(connected, actor, store or InlineStore(), gateway, allow_file_urls, ceilings)


def _connect(target: str) -> Chain:
    """Connect as `nvm_chain.connect` does. If a public node does not answer, the error tells how to give another node."""
    try:
        return connect(target)
    except ConnectionFailed as error:
        if error.explanation is None:
            raise
        raise error.explain(
            error.explanation[0],
            f'try again later, or give a chain of your own node: `Payments(connect("{target}", rpc_url=url), signer)`',
        ) from None


def _open_ceilings(chain: Chain, signer: Signer, state: Path | str | None) -> Ceilings:
    if state is None:
        return MemoryCeilings()
    check_kind("state", state, (str, Path), "'ceilings.json'")
    return CeilingFile(state, f"eip155:{chain.chain_id}:{chain.credits.address}:{signer.address}")
