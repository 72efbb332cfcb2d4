"""A program that mints credits with the builder's key, and prints the outcome of each mint.

`python -m tests.support.faults.minting URL CREDITS PLAN 1 2`
"""

import json
import sys
from typing import Any

from nvm_chain.chain.client import open_rpc
from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.errors import NotMined, NvmChainError, OutcomeUnknown
from nvm_chain.operations.credits import mint_credits
from nvm_chain.types.addresses import parse_address

SECONDS = 10


def main() -> None:
    """Mint each amount in its own transaction, and print a line for each."""
    url, credits, plan, *amounts = sys.argv[1:]
    chain = open_rpc(url, timeout_seconds=SECONDS)
    chain.use_credits(parse_address(credits))
    _, builder, _, holder, *_ = derive_dev_accounts()
    for amount in map(int, amounts):
        told: dict[str, Any] = {"amount": amount, "told": "done"}
        try:
            mint_credits(chain, builder, int(plan), holder.address, amount)
        except (NotMined, OutcomeUnknown):
            told["told"] = "unknown"
        except NvmChainError as error:
            told |= {"told": "refused", "why": str(error)}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
