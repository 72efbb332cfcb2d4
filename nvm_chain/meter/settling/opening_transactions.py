"""Transactions that open access: redemptions of periods. Unlike a settlement, one that is sent twice takes twice."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from eth_account.datastructures import SignedTransaction
from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from msgspec.structs import replace

from nvm_chain.chain.client import Chain
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.node import encode_call
from nvm_chain.enums import SettlementResult
from nvm_chain.meter.openings import Opening
from nvm_chain.meter.store.openings import note_signed_opening
from nvm_chain.meter.store.settlements import SettledItem, Settlement
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.credits import read_access_until
from nvm_chain.signing.keys import Signer
from nvm_chain.types.hashes import keccak


def build_call(chain: Chain, opening: Opening) -> Call:
    """Return the call that opens access. Its context names the sign-in and the window that it replaces. No request."""
    redeem = chain.credits.functions.redeem(opening.plan_id, opening.holder, opening.periods, opening.context)
    return Call(encode_call(redeem), chain.credits.address)


def may_send_again(chain: Chain, settlement: Settlement) -> bool:
    """Return whether a transaction that a node has lost may be sent again. A settlement may always be.

    One that opens access may be if the holder's window is the one that it replaces. Else somebody has opened access
    meanwhile. At most one request.
    """
    if settlement.opens_from is None:
        return True
    return read_access_until(chain, settlement.plan_id, settlement.items[0].holder) == settlement.opens_from


def read_opened(settlement: Settlement) -> tuple[SettledItem, ...]:
    """Return the outcome of a transaction that opens access, and that succeeded. It takes all of its periods, or it reverts."""
    return tuple(replace(item, taken=item.total, result=SettlementResult.SETTLED) for item in settlement.items)


@dataclass(frozen=True, slots=True)
class OpeningSigner:
    """A signer of transactions that open access. Each is in the books before anybody can send it, and no opening has two.

    ``guard`` is called before a transaction is signed. It raises an error if this process may not send any more.
    """

    signer: Signer
    writer: Writer
    guard: Callable[[], None]
    openings: dict[bytes, Opening]
    """The openings by the data of their calls."""

    @property
    def address(self) -> ChecksumAddress:
        """The signer's address."""
        return self.signer.address

    def sign_transaction(self, transaction_dict: dict[str, Any], /) -> SignedTransaction:
        """Sign a transaction, and return it when it is in the books.

        Raises:
            AccessNotOpened: The opening is not wanted any more, or another transaction could open access for it.
            SecondSettler: Another process sends with this key.
            IndexFailure: The books cannot be written.
        """
        self.guard()
        signed = self.signer.sign_transaction(transaction_dict)
        opening = self.openings.get(bytes(HexBytes(transaction_dict.get("data", b""))))
        if opening is not None:
            raw = bytes(signed.raw_transaction)
            settlement = Settlement(
                f"0x{keccak(raw).hex()}",
                opening.plan_id,
                self.address,
                int(transaction_dict["nonce"]),
                (SettledItem(opening.holder, opening.periods),),
                raw,
                opens_from=opening.seen,
            )
            self.writer.run(lambda store: note_signed_opening(store, opening, settlement))
        return signed


def index_openings(chain: Chain, openings: Iterable[Opening]) -> dict[bytes, Opening]:
    """Return openings by the data of their calls. No request."""
    return {bytes.fromhex(build_call(chain, opening).data[2:]): opening for opening in openings}
