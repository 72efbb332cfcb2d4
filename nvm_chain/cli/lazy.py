"""The rest of the package, loaded when a command first uses it: web3 takes a second, and `--help` should not wait for it.

`from nvm_chain.cli.lazy import plans` gives what `from nvm_chain import plans` gives, and imports it at the first `plans.`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nvm_chain import addresses as addresses
    from nvm_chain import agent_types as agent_types
    from nvm_chain import agents as agents
    from nvm_chain import authorizations as authorizations
    from nvm_chain import connecting as connecting
    from nvm_chain import credits as credits
    from nvm_chain import demo as demo
    from nvm_chain import deploying as deploying
    from nvm_chain import deployments as deployments
    from nvm_chain import dev_accounts as dev_accounts
    from nvm_chain import embedded as embedded
    from nvm_chain import endpoints as endpoints
    from nvm_chain import ids as ids
    from nvm_chain import keys as keys
    from nvm_chain import metadata as metadata
    from nvm_chain import orders as orders
    from nvm_chain import paying as paying
    from nvm_chain import plans as plans
    from nvm_chain import pricing as pricing
    from nvm_chain import relaying as relaying
    from nvm_chain import settling as settling
    from nvm_chain import statements as statements
    from nvm_chain import tokens as tokens
    from nvm_chain import types as types
    from nvm_chain import usage as usage
    from nvm_chain import vouchers as vouchers

_MODULES = (
    "addresses agent_types agents authorizations connecting credits demo deploying deployments dev_accounts embedded "
    "endpoints ids keys metadata orders paying plans pricing relaying settling statements tokens types usage vouchers"
)


class LazyModule:
    """Stands for a module, and imports it when something of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


globals().update({name: LazyModule(f"nvm_chain.{name}") for name in _MODULES.split()})
