"""Checks of vouchers against the chain: whether a voucher would be settled now, and how many credits it would take."""

from functools import partial

from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.errors import (
    InsufficientCredits,
    NotRedeemer,
    SettlementsNotAccepted,
    VoucherAlreadySettled,
    VoucherSignatureInvalid,
)
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.plan_terms import plan_readers
from nvm_chain.operations.plans import is_redeemer, read_plan_state
from nvm_chain.operations.settlement_simulations import ask_settlement, simulation_readers
from nvm_chain.operations.wallet_kinds import explain_refusal
from nvm_chain.operations.wallets import unwrap_signature
from nvm_chain.signing.signatures import find_size_fault
from nvm_chain.signing.vouchers import SignedVoucher, recover_signer, verify_voucher, voucher_digest
from nvm_chain.types.accounts import VoucherCheck
from nvm_chain.types.plans import Terms


def check_voucher(chain: Chain, signed: SignedVoucher, *, redeemer: str | None = None) -> VoucherCheck:
    """Check a voucher against the present state of the chain. About seven requests.

    The deadline is compared with the chain's time. A contract wallet is asked whether it accepts the signature
    (ERC-1271). The holder can still spend the credits before the voucher is settled.

    Args:
        chain: The connection to the plan's chain.
        signed: The voucher.
        redeemer: The address that will settle the voucher. The voucher's own redeemer if not given.

    Returns:
        The holder's balance and settled credits, and the credits that a settlement would take now.

    Raises:
        UnknownPlan: The plan is not registered.
        SettlementsNotAccepted: Nothing can be settled on this plan.
        VoucherMismatch: The voucher is for another redeemer.
        NotRedeemer: The voucher's redeemer may not settle on this plan.
        VoucherExpired: The voucher's deadline has passed.
        VoucherSignatureInvalid: The holder did not sign the voucher, or the signature is larger than
            `nvm_chain.signing.signatures.MAX_SIGNATURE` bytes. Such a signature is refused without a request.
        VoucherAlreadySettled: The holder's settled credits have reached the ceiling.
        InsufficientCredits: The holder has no credits.
        InsufficientCoin: The node wants the redeemer to pay for the gas of a call, and the redeemer cannot.
    """
    inner = unwrap_signature(signed)
    if (fault := find_size_fault(inner.signature)) is not None:
        raise VoucherSignatureInvalid(signed.voucher.holder, None).explain(*fault)
    try:
        with chain.reading_ahead(*_check_readers(chain, inner)):
            return _check_voucher(chain, inner, redeemer)
    except VoucherSignatureInvalid as error:
        cause = explain_refusal(chain, signed.voucher.holder, signed.signature, error.recovered)
        raise error.explain(*cause) from None


def _check_readers(chain: Chain, signed: SignedVoucher) -> tuple[Reader, ...]:
    """Return the calls of `check_voucher`, so that `Chain.reading_ahead` can send them as one batch."""
    voucher, chain_id, contract = signed.voucher, chain.chain_id, chain.credits.address
    digest = voucher_digest(voucher, chain_id=chain_id, contract=contract)
    is_own = recover_signer(signed, chain_id=chain_id, contract=contract) == voucher.holder
    return (
        *plan_readers(chain, voucher.plan_id),
        chain.read_time,
        *(() if is_own else simulation_readers(chain, signed, digest)),
        partial(is_redeemer, chain, voucher.plan_id, voucher.redeemer),
        partial(read_account, chain, voucher.plan_id, voucher.holder),
    )


def _check_voucher(chain: Chain, signed: SignedVoucher, redeemer: str | None) -> VoucherCheck:
    voucher = signed.voucher
    plan = read_plan_state(chain, voucher.plan_id)
    check_accepts_vouchers(plan.plan_id, plan.terms)
    verify_voucher(
        signed,
        chain_id=chain.chain_id,
        contract=chain.credits.address,
        redeemer=redeemer,
        now=chain.read_time(),
        ask_chain=ask_settlement(chain, signed),
    )
    if voucher.redeemer != plan.owner and not is_redeemer(chain, plan.plan_id, voucher.redeemer):
        raise NotRedeemer(plan.plan_id, voucher.redeemer)
    account = read_account(chain, plan.plan_id, voucher.holder)
    if account.settled >= voucher.ceiling:
        raise VoucherAlreadySettled(voucher.ceiling, account.settled)
    check = VoucherCheck(account.balance, account.settled, voucher.ceiling)
    if check.available == 0:
        raise InsufficientCredits(plan.plan_id, voucher.holder, account.balance, voucher.ceiling - account.settled)
    return check


def check_accepts_vouchers(plan_id: int, terms: Terms) -> None:
    """Raise SettlementsNotAccepted unless the plan grants credits, and these are not transferable."""
    if not terms.accepts_vouchers:
        raise SettlementsNotAccepted(plan_id)
