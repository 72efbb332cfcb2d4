"""Exit codes of the commands. An exit code tells a script why the command ended."""

from typing import Final

EXIT_DONE: Final = 0
EXIT_UNEXPECTED: Final = 1
EXIT_INPUT: Final = 2
EXIT_KEY: Final = 3
EXIT_NETWORK: Final = 4
EXIT_FUNDS: Final = 5
EXIT_REFUSED: Final = 6
EXIT_STORAGE: Final = 7
EXIT_UNKNOWN_OUTCOME: Final = 8
EXIT_NO: Final = 9
EXIT_INDEX: Final = 10

EXIT_CODES: Final = {
    EXIT_DONE: "the command is done; for `access`, the answer is yes",
    EXIT_UNEXPECTED: "you stopped the command, or the command has a bug",
    EXIT_INPUT: "the input is invalid; nothing was sent",
    EXIT_KEY: "the key is unreadable; nothing was sent",
    EXIT_NETWORK: "the chain or its deployment is not usable",
    EXIT_FUNDS: "funds or an allowance are missing; an earlier approval may be valid",
    EXIT_REFUSED: "the chain refused all items or some of them",
    EXIT_STORAGE: "metadata or a file could not be stored, fetched or verified",
    EXIT_UNKNOWN_OUTCOME: "the outcome of a sent transaction is unknown: run `transaction HASH`",
    EXIT_NO: "for `access` and `gateway check`, the answer is no; this is not an error",
    EXIT_INDEX: "the index is not usable, or differs from the chain",
}
"""Each exit code with its meaning."""
