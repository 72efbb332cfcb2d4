"""The programs of the page "Paying us with MPP" run as they stand there, and are served."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nvm_chain.mpp.receipts import read_receipt
from tests.mpp.market import PRICE, Market, Stand

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "mpp.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("language", "command"), [("py", [sys.executable, "-"]), ("js", ["node", "--input-type=module", "-"])]
)
def test_program_of_the_page__is_served(market: Market, stand: Stand, language: str, command: list[str]) -> None:
    (program,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    buyer = market.new_buyer()
    own = {"KEY": f"0x{bytes(buyer.key).hex()}", "URL": f"{stand.url}/ask"}
    where = {"TOKEN": market.token.address, "CHAIN_ID": str(market.token.chain_id)}
    done = subprocess.run(
        command,
        input=program,
        env={**os.environ, **own, **where},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    status, receipt = done.stdout.split()
    assert (status, read_receipt(receipt)["status"]) == ("200", "success")
    assert market.read_paid(buyer) == PRICE
