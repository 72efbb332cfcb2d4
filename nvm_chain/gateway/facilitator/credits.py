"""Payments with credits of a gateway's own plans, which other servers take: verified and settled in the gateway's books.

A voucher is settled when its credits are charged in the books, which is durable. No transaction belongs to a single request:
the settler takes what is owed on the chain in batches. A voucher is spent by its first settlement, whoever submitted it.
"""

from typing import Any, Final

from nvm_chain.errors import AnswerNotKept, InputError, NvmChainError, PaymentMalformed, PaymentRefused, RequestRefused
from nvm_chain.meter.credentials import VoucherCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.requests import Request
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.signing.eip712 import check_address
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.x402.accepted import ACCOUNT, read_integer
from nvm_chain.x402.facilitating import (
    INVALID_REQUIREMENTS,
    FacilitatorRequest,
    SettleAnswer,
    SupportedKind,
    VerifyAnswer,
)
from nvm_chain.x402.facilitator.callers import Caller
from nvm_chain.x402.facilitator.desk import is_own_fault
from nvm_chain.x402.facilitator.reasons import NETWORK_MISMATCH, UNSUPPORTED_SCHEME, find_reason
from nvm_chain.x402.networks import format_network
from nvm_chain.x402.offers import CREDITS_SCHEME, CreditsAccount
from nvm_chain.x402.vouchers import read_payload

NOT_YOURS: Final = "nvm_ServiceNotYours"


class MeterCases:
    """Verifies and settles vouchers with a meter."""

    def __init__(self, meter: Meter) -> None:
        """Take the meter of the gateway."""
        self._meter, own = meter, meter.settings
        self._network = format_network(own.chain_id)
        self.kind = SupportedKind(CREDITS_SCHEME, self._network, {"asset": own.credits, "payTo": own.redeemer})
        """What ``/supported`` says of it."""

    async def verify(self, caller: Caller, request: FacilitatorRequest) -> VerifyAnswer:
        """Return whether a voucher would be settled. It is admitted as a request is, and released at once.

        Raises an error of `is_own_fault` if that cannot be said now.
        """
        try:
            hold = await self._admit(caller, request)
            await self._meter.release(hold, was_sent=False)
        except NvmChainError as error:
            if is_own_fault(error, self._meter.settings.redeemer):
                raise
            return VerifyAnswer(None, find_reason(error), error.message(), _tell_account(error))
        return VerifyAnswer(hold.key.holder)

    async def settle(self, caller: Caller, request: FacilitatorRequest, key: str | None) -> SettleAnswer:
        """Charge a voucher's credits, durably. The voucher is spent.

        Raises an error of `is_own_fault` if nothing was charged, and the same may be asked again.
        """
        try:
            hold = await self._admit(caller, request)
            charged = await self._meter.charge(hold, hold.hold.credits)
        except NvmChainError as error:
            if is_own_fault(error, self._meter.settings.redeemer):
                raise
            return SettleAnswer(self._network, "", None, find_reason(error), error.message())
        extra = {"requestId": hold.hold_id.hex(), "nextCeiling": str(hold.next_ceiling)}
        return SettleAnswer(self._network, "", hold.key.holder, amount=charged.cost or 0, extra=extra)

    async def _admit(self, caller: Caller, request: FacilitatorRequest) -> StoredHold:
        credential, asked, credits = self._read(caller, request)
        hold = await self._meter.admit(asked, credential, credits)
        if not isinstance(hold, StoredHold):
            raise AnswerNotKept(hold.hold_id.hex())
        return hold

    def _read(self, caller: Caller, request: FacilitatorRequest) -> tuple[VoucherCredential, Request, int]:
        """Return the voucher, the request that it is bound to, and the credits. Raises PaymentRefused."""
        own, required = self._meter.settings, request.required
        for given in (required, request.accepted):
            if given.scheme != CREDITS_SCHEME:
                raise PaymentRefused(UNSUPPORTED_SCHEME, f"the scheme is not {CREDITS_SCHEME}")
            if given.network != self._network:
                raise PaymentRefused(NETWORK_MISMATCH, f"the network is not {self._network}")
        signed, binding = read_payload(request.payload)
        extra = required.extra or {}
        try:
            asset, payee = parse_address(required.asset or "", "asset"), parse_address(required.pay_to or "", "payTo")
            plan_id, credits = parse_plan_id(extra.get("planId", "")), read_integer(required.amount, "amount")
        except PaymentMalformed as error:
            raise PaymentRefused(INVALID_REQUIREMENTS, error.reason) from None
        except InputError as error:
            raise PaymentRefused(INVALID_REQUIREMENTS, error.problem) from None
        service = str(extra.get("service", ""))
        if (asset, payee, plan_id) != (own.credits, own.redeemer, signed.voucher.plan_id):
            raise PaymentRefused(INVALID_REQUIREMENTS, "they name another contract, redeemer or plan than the voucher")
        if service not in caller.services:
            raise PaymentRefused(NOT_YOURS, "this server may not take credits for that service")
        if binding is None:
            return VoucherCredential(signed), Request(service, "GET", "/", None), credits
        asked = Request(service, binding.method, binding.target, None)
        return VoucherCredential(signed, binding), asked, credits


def _tell_account(error: NvmChainError) -> dict[str, Any]:
    """Return how the account stands of a holder who has signed, so that its client signs another ceiling."""
    holder = error.fields.get("holder")
    if not isinstance(error, RequestRefused) or not error.next_ceiling or holder is None:
        return {}
    return {ACCOUNT: CreditsAccount(check_address(str(holder), "holder"), error.next_ceiling).to_json()}
