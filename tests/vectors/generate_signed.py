"""Writes the vectors of signed values, by viem and ethers alone.

`python -m tests.vectors.generate_signed`
"""

import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent
PROGRAMS = {
    "vouchers.json": "vouchers.mjs",
    "authorization_nonces.json": "authorizations.mjs",
    "wallet_signatures.json": "wallet_signatures.mjs",
    "bindings.json": "bindings.mjs",
    "session_terms.json": "session_terms.mjs",
    "receipts.json": "receipts.mjs",
    "sign_ins.json": "sign_ins.mjs",
    "mpp.json": "mpp.mjs",
    "x402.json": "x402.mjs",
}
"""Each file of vectors, with the program that prints it. Nothing of this package takes part."""


def format_signed(name: str) -> str:
    """Return the text of one of the files."""
    command = ["node", str(FOLDER / PROGRAMS[name])]
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120, check=True).stdout


if __name__ == "__main__":
    for file in PROGRAMS:
        (FOLDER / file).write_text(format_signed(file), "utf-8")
