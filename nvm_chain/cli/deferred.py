"""Heavy modules of the command line that few commands need. Each is imported at its first use."""

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
