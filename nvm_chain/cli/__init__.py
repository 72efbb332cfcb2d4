"""The command line `nvm-chain`: one file per group of commands, on click and rich."""

from nvm_chain.cli.app import main

__all__ = ["main"]
