"""Tokens for a gateway. A token is the text form of a voucher for one request."""

from nvm_chain.client.buyer import VOUCHER_SECONDS
from nvm_chain.client.states import Ceiling
from nvm_chain.errors import InsufficientCredits
from nvm_chain.errors.fields import Credits
from nvm_chain.errors.formatting import count, format_time
from nvm_chain.meter.bindings import Binding
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.settlement import sign_next_voucher
from nvm_chain.payments.access import Access, need_gateway, next_ceiling_base
from nvm_chain.payments.results import ServiceTokenResultDto
from nvm_chain.payments.session import Gateway, Session
from nvm_chain.signing.eip712 import SIGNATURE_SECONDS
from nvm_chain.signing.keys import check_message_signer
from nvm_chain.signing.service_tokens import format_service_token
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.ids import format_did


def build_service_token(session: Session, agent_id: int, access: Access) -> ServiceTokenResultDto:
    """Sign a voucher for one request at the highest cost. Return the voucher as a token, with the gateway's URL.

    Sends nothing. A token is valid for an hour. The next token of the same plan pays for one more request.

    Raises:
        NeedsGateway: No gateway is configured.
        InsufficientCredits: Earlier vouchers promise all credits.
    """
    gateway = need_gateway(session, "A token for a service")
    return ServiceTokenResultDto(
        accessToken=format_service_token(sign_request(session, gateway, access)[0]),
        neverminedProxyUri=f"{gateway.url}/services/{format_did(agent_id)}",
    )


def sign_request(
    session: Session, gateway: Gateway, access: Access, binding: Binding | None = None, *, least: Credits = 0
) -> tuple[SignedVoucher, Ceiling | None]:
    """Sign a voucher for one more request. Return the voucher, and the ceiling before it for `take_back`. Sends nothing.

    Args:
        session: The session of the account.
        gateway: The gateway of the request.
        access: The plan, and the credits that the request costs.
        binding: The request, so that the voucher is good for it alone. None for a token that is good for any request.
        least: The lowest ceiling that the gateway accepts, as it says. It counts requests of earlier runs.

    Raises:
        InsufficientCredits: The credits do not cover this request and the earlier vouchers.
    """
    plan_id, seconds = access.plan_id, SIGNATURE_SECONDS if binding is None else VOUCHER_SECONDS
    with session.ceilings.lock():  # no two threads or processes sign the same ceiling
        before = session.ceilings.read(plan_id)
        account = read_account(session.chain, plan_id, session.address)
        base = max(next_ceiling_base(session, plan_id, account, access.cost), least - access.cost)
        needed = base + access.cost - account.settled
        if account.balance < needed:
            error = InsufficientCredits(plan_id, session.address, account.balance, needed)
            raise _explain_promised(session, error, base - account.settled, before)
        signed = sign_next_voucher(
            session.chain,
            check_message_signer(session.signer),
            plan_id,
            redeemer=gateway.redeemer,
            cost=access.cost,
            last_ceiling=base,
            context=b"" if binding is None else binding.context,
            valid_seconds=seconds + session.taken_back,  # two equal vouchers would be the same token
        )
        session.ceilings.write(plan_id, _ceiling_of(signed, before))
    return signed, before


def _explain_promised(
    session: Session, error: InsufficientCredits, promised: int, last: Ceiling | None
) -> InsufficientCredits:
    """Add to the error how many credits vouchers promise. The settlement or the expiry of vouchers ends the promise."""
    if last is None or promised <= 0:
        return error
    steps = f"order the plan again, or wait until these vouchers are settled, or expire at {format_time(last.deadline)}"
    if session.ceilings.outlives_process:
        steps += (
            "; after a restart of a development chain the state file counts the vouchers of its earlier run: "
            "give a new file as `state`"
        )
    promise = "is" if promised == 1 else "are"
    cause = f"{count(promised, 'credit')} of the plan {promise} promised by signed vouchers that are not settled yet"
    return error.explain(cause, steps)


def take_back(session: Session, signed: SignedVoucher, before: Ceiling | None) -> None:
    """Forget the last voucher, so that the next one covers the same request. Does nothing after a later voucher."""
    plan_id = signed.voucher.plan_id
    with session.ceilings.lock():
        if session.ceilings.read(plan_id) == _ceiling_of(signed, before):
            session.ceilings.write(plan_id, before)
            session.taken_back += 1


def _ceiling_of(signed: SignedVoucher, before: Ceiling | None) -> Ceiling:
    return Ceiling(signed.voucher.ceiling, signed.voucher.deadline, signed=0 if before is None else before.signed)
