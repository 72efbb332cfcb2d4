"""The command line's own modules that few commands need and that load much: imported when something of them is asked for."""

from typing import TYPE_CHECKING

from nvm_chain.cli.lazy import LazyModule

if TYPE_CHECKING:
    from nvm_chain.cli import error_help as error_help
    from nvm_chain.cli import failures as failures
    from nvm_chain.cli import messages as messages
else:
    error_help = LazyModule("nvm_chain.cli.error_help")
    failures = LazyModule("nvm_chain.cli.failures")
    messages = LazyModule("nvm_chain.cli.messages")
