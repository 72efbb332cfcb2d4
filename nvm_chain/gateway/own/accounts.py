"""``GET /account`` and ``GET /receipts/ID``: how an account stands, and what a request cost, for its holder alone."""

import asyncio
from typing import Any, Final

from nvm_chain.errors import InvalidMessage, PaymentMissing, ReceiptUnavailable
from nvm_chain.gateway.own.asked import GATEWAY, Asked
from nvm_chain.gateway.payers import read_payer
from nvm_chain.gateway.serving import Server
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.store.charged_holds import find_hold
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.signing.vouchers import VoucherVerifier

RECEIPTS: Final = "/receipts/"
_HOLD_BYTES: Final = 32


class Accounts:
    """Shows accounts and receipts to whoever proves to be the holder. What proves it is not spent."""

    def __init__(self, server: Server) -> None:
        """Take what serves."""
        self._meter = server.meter
        settings = server.meter.settings
        self._verifier = VoucherVerifier(settings.chain_id, settings.credits)

    async def read_account(self, asked: Asked) -> Any:
        """Return the account of whoever sends a token or a payment."""
        key = await self._find_payer(asked)
        if key.plan_id not in self._meter.settings.plan_ids:
            raise InvalidMessage("request", "its plan is not one that this gateway serves")
        account = await self._meter.account(*key)
        now = self._meter.writer.now
        return {
            "planId": str(key.plan_id),
            "holder": key.holder,
            "available": str(max(0, account.find_available(now))),
            "charged": str(account.committed),
            "held": str(account.held),
            "owed": str(account.owed),
            "ceiling": str(account.find_live_ceiling(now)),
            "nextCeiling": str(account.find_next_ceiling(1)),
            "block": str(account.view.block_number),
        }

    async def read_receipt(self, asked: Asked) -> Any:
        """Return the signed receipt of a request of the account."""
        name = asked.path.removeprefix(RECEIPTS)
        key = await self._find_payer(asked)
        try:
            hold_id = bytes.fromhex(name) if len(name) <= 2 * _HOLD_BYTES else b""
        except ValueError:
            hold_id = b""
        stored = await asyncio.to_thread(self._meter.writer.run, lambda store: find_hold(store, hold_id))
        if stored is None or stored.key != key:
            raise ReceiptUnavailable(name[:80], "it is not a request of this account")
        signed = await self._meter.sign_receipt(hold_id)
        return {"receipt": signed.to_json()}

    async def _find_payer(self, asked: Asked) -> AccountKey:
        """Return whose token or payment a request brings. Neither is spent. Raises PaymentMissing or SignatureError."""
        payer = read_payer(asked.incoming)
        if payer is None:
            raise PaymentMissing(GATEWAY)
        if isinstance(payer.credential, TokenCredential):
            return await self._meter.check_token(payer.credential.token)
        settings = self._meter.settings
        self._verifier.verify(payer.credential.signed, redeemer=settings.redeemer, now=self._meter.writer.now)
        return await self._meter.find_payer(payer.credential)
