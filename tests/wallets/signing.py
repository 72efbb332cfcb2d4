"""What the tests do with a wallet: sign a voucher, ask the wallet, and settle."""

from collections.abc import Sequence

from eth_typing import ChecksumAddress

from nvm_chain.errors import TransactionError
from nvm_chain.signing.eip712 import MessageSigner, SigningDomain, StructType, Value, sign_struct
from nvm_chain.signing.vouchers import SignedVoucher, Voucher, build_voucher, sign_voucher, voucher_digest
from nvm_chain.signing.wallets.owners import WalletSigner
from nvm_chain.signing.wallets.plain import PlainSigner
from tests.support.signed import FOREVER, SETTLED, TRANSACTION_GAS, Item, register_with_redeemer, settle
from tests.support.world import World
from tests.wallets.wallet import OWNER, Wallet

BALANCE = 100
CEILING = 5
MAGIC = bytes.fromhex("1626ba7e")
_ABI = [
    {
        "type": "function",
        "name": "isValidSignature",
        "stateMutability": "view",
        "inputs": [{"name": "hash", "type": "bytes32"}, {"name": "signature", "type": "bytes"}],
        "outputs": [{"name": "", "type": "bytes4"}],
    }
]


def register_for(world: World, holder: str) -> int:
    """Register a plan with the redeemer approved, and give a holder 100 credits of it."""
    plan_id = register_with_redeemer(world)
    world.grant(plan_id, holder, BALANCE)
    return plan_id


def voucher_of(world: World, plan_id: int, holder: str) -> Voucher:
    """Return a voucher for the redeemer."""
    redeemer = world.redeemer.address
    return build_voucher(plan_id, holder=holder, redeemer=redeemer, ceiling=CEILING, deadline=FOREVER)


def digest_of(world: World, voucher: Voucher) -> bytes:
    """Return the digest of a voucher."""
    return voucher_digest(voucher, chain_id=world.chain.chain_id, contract=world.credits.address)


class Disguised(WalletSigner):
    """A signer that says it is a wallet, and signs as another signer does."""

    def __init__(self, address: ChecksumAddress, signer: MessageSigner) -> None:
        """Keep the wallet's address and the other signer."""
        super().__init__(address)
        self._signer = signer

    def sign_typed_struct(self, domain: SigningDomain, struct_type: StructType, values: Sequence[Value], /) -> bytes:
        """Sign as the other signer."""
        return sign_struct(self._signer, domain, struct_type, values)


def sign_anyway(world: World, signer: MessageSigner, voucher: Voucher) -> SignedVoucher:
    """Sign a voucher by any signer, also one that is not the holder."""
    disguised = Disguised(voucher.holder, signer)
    return sign_voucher(disguised, voucher, chain_id=world.chain.chain_id, contract=world.credits.address)


def sign_plainly(world: World, wallet: Wallet, prefix: bytes = b"") -> SignedVoucher:
    """Sign a voucher by the plain signature of a wallet's owner."""
    voucher = voucher_of(world, register_for(world, wallet.address), wallet.address)
    signed = sign_anyway(world, PlainSigner(wallet.address, [OWNER]), voucher)
    return SignedVoucher(voucher, prefix + signed.signature)


def is_accepted(world: World, signed: SignedVoucher, *, has_price: bool = True) -> bool:
    """Ask a wallet as the redeemer, with a price of gas as in a transaction. A failure is a refusal."""
    wallet = world.chain.bind(signed.voucher.holder, _ABI)
    data = wallet.encode_abi("isValidSignature", [digest_of(world, signed.voucher), signed.signature])
    price = 2 * world.chain.web3.eth.get_block("latest")["baseFeePerGas"]
    call = {"from": world.redeemer.address, "to": wallet.address, "data": data}
    call |= {"gasPrice": hex(price)} if has_price else {}
    try:
        answer = world.chain.web3.provider.make_request("eth_call", [call, "latest"])  # type: ignore[arg-type]
    except TransactionError:
        return False
    return bytes.fromhex(answer.get("result", "0x")[2:])[:4] == MAGIC


def settle_voucher(world: World, signed: SignedVoucher) -> tuple[int, int]:
    """Settle a voucher in a transaction of the redeemer. Returns the credits that it took, and the result.

    Both are those of the mined transaction, because a wallet may answer otherwise to a simulation.
    """
    voucher = signed.voucher
    item = Item(voucher.holder, voucher.ceiling, voucher.ceiling, voucher.context, voucher.deadline, signed.signature)
    before = world.balance(voucher.plan_id, voucher.holder)
    receipt = world.send_with_gas(world.redeemer, settle(world, voucher.plan_id, item), TRANSACTION_GAS)
    assert receipt["status"] == 1
    results = [arguments["result"] for name, arguments in world.events(receipt) if name == "NotFullySettled"]
    return before - world.balance(voucher.plan_id, voucher.holder), results[0] if results else SETTLED
