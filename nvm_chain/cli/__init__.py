"""The command line `nvm-chain`: one file for each group of commands, built on click and rich."""

from nvm_chain.cli.app import main

__all__ = ["main"]
