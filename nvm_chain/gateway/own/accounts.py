"""``GET /account`` and ``GET /receipts/ID``: how an account stands, and what a request cost.

The holder sees the account, and every receipt. The user of an allowance sees the allowance, and the receipts of its requests.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from nvm_chain.errors import InvalidMessage, PaymentMissing, ReceiptUnavailable
from nvm_chain.gateway.own.asked import GATEWAY, Asked
from nvm_chain.gateway.payers import read_payer
from nvm_chain.gateway.serving import Server
from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.requests import check_context
from nvm_chain.meter.store.charged_holds import find_hold
from nvm_chain.meter.store.group_rows import AccountKey, StoredHold
from nvm_chain.signing.vouchers import VoucherVerifier

RECEIPTS: Final = "/receipts/"
_HOLD_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose account is asked for. ``allowance`` is there for its user, who sees nothing else of the account."""

    key: AccountKey
    allowance: Authority | None = None

    def may_see(self, hold: StoredHold) -> bool:
        """Return whether the receipt of a hold is for this asker."""
        is_own = self.allowance is None or hold.hold.authority_id == self.allowance.authority_id
        return hold.key == self.key and is_own


class Accounts:
    """Shows accounts and receipts to whoever proves to be the holder, or the user of an allowance. What proves it is not spent."""

    def __init__(self, server: Server) -> None:
        """Take what serves."""
        self._meter = server.meter
        settings = server.meter.settings
        self._verifier = VoucherVerifier(settings.chain_id, settings.credits)

    async def read_account(self, asked: Asked) -> Any:
        """Return the account of whoever sends a token or a payment. For the token of an allowance, the allowance."""
        asker = await self._find_asker(asked)
        key = asker.key
        if key.plan_id not in self._meter.settings.plan_ids:
            raise InvalidMessage("request", "its plan is not one that this gateway serves")
        if asker.allowance is not None:
            return _describe_allowance(asker.allowance)
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
        """Return the signed receipt of a request of the account, or of the allowance."""
        name = asked.path.removeprefix(RECEIPTS)
        asker = await self._find_asker(asked)
        try:
            hold_id = bytes.fromhex(name) if len(name) <= 2 * _HOLD_BYTES else b""
        except ValueError:
            hold_id = b""
        stored = await asyncio.to_thread(self._meter.writer.run, lambda store: find_hold(store, hold_id))
        if stored is None or not asker.may_see(stored):
            raise ReceiptUnavailable(name[:80], "it is not a request of this account")
        signed = await self._meter.sign_receipt(hold_id)
        return {"receipt": signed.to_json()}

    async def _find_asker(self, asked: Asked) -> Asker:
        """Return whose token or payment a request brings. Neither is spent. Raises PaymentMissing or SignatureError.

        The voucher of a session or an allowance proves nothing, because the holder gives that of an allowance to its user.
        """
        payer = read_payer(asked.incoming)
        if payer is None:
            raise PaymentMissing(GATEWAY)
        if isinstance(payer.credential, TokenCredential):
            authority = await self._meter.check_token(payer.credential.token)
            key = AccountKey(authority.plan_id, authority.holder)
            return Asker(key, authority if authority.kind is AuthorityKind.ALLOWANCE else None)
        settings = self._meter.settings
        check_context(payer.credential.signed.voucher.context, payer.credential.binding)
        self._verifier.verify(payer.credential.signed, redeemer=settings.redeemer, now=self._meter.writer.now)
        return Asker(await self._meter.find_payer(payer.credential))


def _describe_allowance(allowance: Authority) -> dict[str, Any]:
    return {
        "planId": str(allowance.plan_id),
        "holder": allowance.holder,
        "user": allowance.user,
        "limit": str(allowance.limit),
        "spent": str(allowance.spent),
        "held": str(allowance.held),
        "end": allowance.end,
    }
