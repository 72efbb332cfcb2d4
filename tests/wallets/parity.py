"""What `check_voucher` says of a wallet's voucher, beside what the mined settlement of the same voucher does.

    python -m tests.wallets.parity --count 10000 --seed 7

prints a line for each wallet: how often both said yes, how often both said no, and the two kinds of mistakes. More than
half of the signatures are valid.
"""

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from eth_abi.abi import encode

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.errors import NvmChainError, VoucherSignatureInvalid
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.operations.wallets import unwrap_signature
from nvm_chain.signing.vouchers import SignedVoucher, Voucher, build_voucher
from nvm_chain.signing.wallets.plain import PlainSigner
from tests.support.anvil import open_anvil, run_anvil
from tests.support.signed import FOREVER, register_with_redeemer
from tests.support.world import World
from tests.wallets.askers import install_base_fee_helper
from tests.wallets.catalogue import WALLETS
from tests.wallets.signing import settle_voucher, sign_anyway
from tests.wallets.wallet import OWNER, THIEF, Wallet

PLENTY: Final = 10**6
WRAPPING: Final = bytes.fromhex("6492" * 16)
Change: TypeAlias = Callable[[random.Random, World, Wallet, Voucher, bytes], bytes]
"""Makes a signature from a wallet's own signature of a voucher."""


def _sign(world: World, signer: object, voucher: Voucher) -> bytes:
    return sign_anyway(world, signer, voucher).signature  # type: ignore[arg-type]


def _flip(chance: random.Random, _: World, __: Wallet, ___: Voucher, own: bytes) -> bytes:
    """Change one byte."""
    place = chance.randrange(len(own))
    return own[:place] + bytes((own[place] ^ chance.randrange(1, 256),)) + own[place + 1 :]


def _wrong(chance: random.Random, world: World, wallet: Wallet, voucher: Voucher, _: bytes) -> bytes:
    return _sign(world, chance.choice(list(wallet.wrong.values())), voucher)


def _wrap(chance: random.Random, world: World, _: Wallet, __: Voucher, own: bytes) -> bytes:
    """Wrap the signature as for a wallet that is not deployed."""
    return encode(["address", "bytes", "bytes"], (world.other.address, chance.randbytes(8), own)) + WRAPPING


VALID: Final[dict[str, Change]] = {
    "its own": lambda chance, world, wallet, voucher, own: own,
    "its own, wrapped": _wrap,
}
INVALID: Final[dict[str, Change]] = {
    "one byte changed": _flip,
    "cut off": lambda chance, world, wallet, voucher, own: own[: chance.randrange(1, len(own))],
    "longer": lambda chance, world, wallet, voucher, own: own + chance.randbytes(chance.randrange(1, 40)),
    "by a wrong signer": _wrong,
    "plain, of the owner": lambda chance, world, wallet, voucher, own: _sign(
        world, PlainSigner(wallet.address, [OWNER]), voucher
    ),
    "plain, of a thief": lambda chance, world, wallet, voucher, own: _sign(
        world, PlainSigner(wallet.address, [THIEF]), voucher
    ),
    "any bytes": lambda chance, world, wallet, voucher, own: chance.randbytes(
        chance.choice((64, 65, 85, 224, 253, 640))
    ),
    "nothing": lambda chance, world, wallet, voucher, own: b"",
}
"""Most of these are refused. Some wallets accept some of them: what counts is that the check and the chain agree."""


@dataclass(frozen=True)
class Comparison:
    """One voucher of a wallet: what the check says, and what the chain does."""

    wallet: str
    kind: str
    checked: bool
    settled: bool


def compare(world: World, name: str, wallet: Wallet, count: int, chance: random.Random) -> Iterator[Comparison]:
    """Compare the check of ``count`` random vouchers of a wallet with their mined settlements."""
    plan_id = register_with_redeemer(world)
    world.grant(plan_id, wallet.address, PLENTY)
    total = 0
    for _ in range(count):
        kinds = VALID if chance.random() < 0.6 else INVALID
        kind = chance.choice(list(kinds))
        voucher = build_voucher(
            plan_id,
            holder=wallet.address,
            redeemer=world.redeemer.address,
            ceiling=total + 1,
            deadline=FOREVER,
            context=chance.randbytes(32),
        )
        signature = kinds[kind](chance, world, wallet, voucher, _sign(world, wallet.signer, voucher))
        signed = SignedVoucher(voucher, signature)
        checked = _check(world, signed)
        taken, _result = settle_voucher(world, _unwrap(signed))
        total += taken
        yield Comparison(name, kind, checked, taken > 0)


def _check(world: World, signed: SignedVoucher) -> bool:
    try:
        return check_voucher(world.chain, signed).available == 1
    except VoucherSignatureInvalid:
        return False
    except NvmChainError as error:
        if "wrapped signature" in str(error):
            return False
        raise


def _unwrap(signed: SignedVoucher) -> SignedVoucher:
    try:
        return unwrap_signature(signed)
    except NvmChainError:
        return signed


def main() -> int:
    """Compare, and print the table. Return 1 if the check was wrong once."""
    parser = argparse.ArgumentParser(prog="python -m tests.wallets.parity", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="signatures over all wallets")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance, wrong = random.Random(options.seed), 0
    print(f"{'wallet':42} {'yes':>6} {'no':>6} {'only we take':>13} {'only we refuse':>15}")
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        install_base_fee_helper(world)
        for name, deploy in WALLETS.items():
            snapshot = world.take_snapshot()
            seen = Counter(
                (each.checked, each.settled)
                for each in compare(world, name, deploy(world), -(-options.count // len(WALLETS)), chance)
            )
            world.revert_to(snapshot)
            only_check, only_chain = seen[True, False], seen[False, True]
            wrong += only_check + only_chain
            print(f"{name:42} {seen[True, True]:6} {seen[False, False]:6} {only_check:13} {only_chain:15}", flush=True)
    return wrong > 0


if __name__ == "__main__":
    raise SystemExit(main())
