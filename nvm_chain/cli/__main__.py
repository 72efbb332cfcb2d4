"""Run the command line as `python -m nvm_chain.cli`."""

from nvm_chain.cli.app import main

main()
