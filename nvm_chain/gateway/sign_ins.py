"""Sign-ins that come with a request, in the header SIGN-IN-WITH-X: a challenge for each 402, and one request for each sign-in."""

from contextlib import suppress

from nvm_chain.errors import IndexFailure, PlanNotAccepted, RequestRefused
from nvm_chain.gateway.catalogue import SoldEndpoint
from nvm_chain.gateway.declarations import needs_no_vouchers
from nvm_chain.gateway.payers import Payer, SigningPayer
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.nonces import SignInChallenge


async def find_challenge(meter: Meter, endpoint: SoldEndpoint) -> SignInChallenge | None:
    """Return a challenge for whoever signs in with a request. None if no plan of the endpoint takes it, or the books are away."""
    if not meter.settings.origins or not any(map(needs_no_vouchers, endpoint.plans.values())):
        return None
    try:
        return await meter.challenge()
    except IndexFailure:
        return None


async def sign_in(meter: Meter, payer: SigningPayer, endpoint: SoldEndpoint, service: str) -> Payer:
    """Open a token for one request, on the first plan of the endpoint on which the account has something.

    Close it by `close` once the request is admitted. Nobody else gets the token.

    Args:
        meter: The meter.
        payer: What was signed.
        endpoint: The endpoint of the request.
        service: The DID of the service.

    Raises:
        RequestRefused: The account has nothing on any of the plans.
        SignatureError: The message is not good here and now, or no plan of the endpoint takes it.
    """
    refused: RequestRefused | None = None
    for plan in filter(needs_no_vouchers, endpoint.plans.values()):
        try:
            token, _ = await meter.sign_in(payer.text, payer.signature, plan_id=plan.plan_id)
        except RequestRefused as error:
            refused = refused or error
        else:
            return Payer(TokenCredential(token), payer.key)
    if refused is not None:
        raise refused
    raise PlanNotAccepted(next(iter(endpoint.plans), 0), service).explain(
        "a sign-in is not enough for it", "Pay by an offer of this answer"
    )


async def close(meter: Meter, payer: Payer) -> None:
    """End the token of one request, which goes on. If the books are away, it ends by itself."""
    if isinstance(payer.credential, TokenCredential):
        with suppress(IndexFailure):
            await meter.revoke_session(payer.credential.token)
