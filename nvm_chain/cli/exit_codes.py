"""The exit codes, which tell scripts why a command ended as it did."""

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

EXIT_CODES: Final = {
    EXIT_DONE: "done; for `access`: yes",
    EXIT_UNEXPECTED: "stopped by you, or a bug",
    EXIT_INPUT: "the input cannot be right; nothing was sent",
    EXIT_KEY: "a key could not be read; nothing was sent",
    EXIT_NETWORK: "the chain or its deployment cannot be used",
    EXIT_FUNDS: "funds or an allowance are missing; an approval sent before may stand",
    EXIT_REFUSED: "the chain refused, all or a part",
    EXIT_STORAGE: "metadata or a file could not be kept, fetched or verified",
    EXIT_UNKNOWN_OUTCOME: "sent, outcome unknown: look with `transaction HASH` first",
    EXIT_NO: "`access` answers no; never an error",
}
"""Each exit code with its meaning."""
