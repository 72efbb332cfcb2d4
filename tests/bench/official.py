"""Paid requests through the gateway, beside the official middleware of x402 that checks the same. Both sides run in one go.

`python -m tests.bench official --json` prints one JSON object. 32 connections send bodies of 512 bytes. Through the gateway each
request brings a fresh voucher in PAYMENT-SIGNATURE, and its hold is durable in SQLite. Through the middleware each brings a fresh
`exact` payment, see `official_side.py`. Its node is an anvil beside it, on the same cores.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from eth_account import Account as keys  # noqa: N813
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.operations.tokens import mint_test_usdc
from nvm_chain.signing.authorizations import build_transfer_authorization, sign_transfer_authorization
from nvm_chain.x402.exact import ExactOffer, write_exact_payment
from tests.bench.figures import Figure
from tests.bench.gateway import Run, build_requests, measure_side, run_side, sign_headers
from tests.bench.meter import HOLDERS
from tests.bench.official_side import PRICE, SETTINGS
from tests.support.anvil import open_anvil, run_anvil

PAYERS: Final = 8
REQUESTS: Final = 600
ROUNDS: Final = 3


@dataclass(frozen=True)
class Payers:
    """A chain, its node, and accounts that have TestUSDC."""

    chain: Chain
    url: str
    accounts: tuple[LocalAccount, ...]

    @property
    def seller(self) -> ChecksumAddress:
        """Who is paid."""
        return self.chain.accounts[1].address

    @property
    def token(self) -> str:
        """The address of TestUSDC."""
        assert self.chain.usdc is not None
        return self.chain.usdc

    def sign(self, count: int) -> list[str]:
        """Return headers with fresh payments, turn about."""
        domain = read_token_domain(self.chain, self.token)
        offer = ExactOffer(domain, self.seller, int(PRICE), 300, flow="").to_json()
        end = int(time.time()) + 250
        headers = []
        for number in range(count):
            payer = self.accounts[number % len(self.accounts)]
            transfer = build_transfer_authorization(
                payer=payer.address, payee=self.seller, value=int(PRICE), valid_before=end
            )
            signed = sign_transfer_authorization(payer, transfer, token=domain)
            headers.append(f"PAYMENT-SIGNATURE: {write_exact_payment(offer, signed)}")
        return headers


@contextmanager
def open_payers() -> Iterator[Payers]:
    """Run a chain with payers until the block ends."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        payers = tuple(chain.accounts[2 : 2 + PAYERS])
        for payer in payers:
            mint_test_usdc(chain, chain.accounts[0], payer.address, 10**12)
        yield Payers(chain, url, payers)


def _measure_round(payers: Payers, upstream: str, books: str) -> tuple[Run, Run]:
    """Return what the gateway and the middleware did."""
    with (
        run_side("gateway", upstream, books) as gateway,
        run_side("official", payers.url, payers.token, payers.seller) as official,
    ):
        holders = [keys.create() for _ in range(HOLDERS)]
        measure_side(gateway, build_requests(sign_headers(holders, True, turn=0)[:HOLDERS]))
        measure_side(official, build_requests(payers.sign(PAYERS)))
        ours = measure_side(gateway, build_requests(sign_headers(holders, True, turn=1)))
        theirs = measure_side(official, build_requests(payers.sign(REQUESTS)))
    return ours, theirs


def measure() -> dict[str, Figure]:
    """Return the rate and the CPU of paid requests, as ratios to those of the official middleware."""
    print(SETTINGS, file=sys.stderr)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        payers = stack.enter_context(open_payers())
        upstream = f"http://127.0.0.1:{stack.enter_context(run_side('upstream')).port}"
        rounds = [_measure_round(payers, upstream, f"{folder}/{number}.db") for number in range(ROUNDS)]
    ours = max((ours for ours, _ in rounds), key=lambda run: run.rate)
    theirs = max((theirs for _, theirs in rounds), key=lambda run: run.rate)
    unit = f"x the {theirs.rate:,.0f} a second of the official middleware"
    return {
        "beside_official": {"value": round(ours.rate / theirs.rate, 1), "unit": unit, "aim": ">= 5"},
        "beside_official_cpu": {
            "value": round(theirs.cpu / ours.cpu, 1),
            "unit": "x less CPU, without the node's",
            "aim": "",
        },
    }
