"""What charges for requests and for plans have in common: a credential is recognized, and its refusal is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.errors import ChallengeRefused, NvmChainError, PaymentClaimed
from nvm_chain.gateway.buying.telling import answer_claimed
from nvm_chain.gateway.buying.troubles import Tell, refuse_sending
from nvm_chain.gateway.mpp.challenging import Bound, Challenges, read_charge
from nvm_chain.gateway.mpp.telling import UNPAID, add_problem, find_problem, is_open, tell_problem
from nvm_chain.gateway.refusals import Refusal, refuse
from nvm_chain.gateway.serving import Refused
from nvm_chain.meter.store.payment_rows import name_payment
from nvm_chain.meter.store.payments import read_payment
from nvm_chain.meter.store.writer import Writer
from nvm_chain.mpp.challenges import Challenge
from nvm_chain.mpp.credentials import read_credential
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.x402.exact import ExactOffer


@dataclass(frozen=True, slots=True)
class Charged:
    """A credential whose challenge is good: the challenge, what it was given out for, and the transfer that pays it."""

    challenge: Challenge
    offer: ExactOffer
    signed: SignedTransferAuthorization


class ChargeTill:
    """Recognizes credentials, and finds the answer to those that are refused."""

    def __init__(self, challenges: Challenges, writer: Writer, keys: Sequence[ChecksumAddress], tell: Tell) -> None:
        """Take the challenges, the books and the gateway's own keys. ``tell`` tells the operator of errors."""
        self.challenges, self.writer = challenges, writer
        self._keys, self._tell = keys, tell

    async def read(self, text: str, bound: Bound, charges: Sequence[ExactOffer]) -> Charged:
        """Return what a credential pays for.

        Args:
            text: The credential.
            bound: The request.
            charges: What pays for the request.

        Raises:
            InvalidMessage: It cannot be read.
            SignatureError: It does not pay for the request.
        """
        credential = read_credential(text)
        offer = self.challenges.find_charge(credential.challenge, bound, charges)
        signed = read_charge(credential, offer)
        await self._check_end(credential.challenge, signed)
        return Charged(credential.challenge, offer, signed)

    async def _check_end(self, challenge: Challenge, signed: SignedTransferAuthorization) -> None:
        """Refuse a challenge that is over, unless its transfer was taken before: what was paid for is served."""
        if not challenge.is_over(self.writer.now):
            return
        transfer = signed.authorization
        name = name_payment(signed.token.chain_id, signed.token.address, transfer.payer, transfer.nonce)
        if await asyncio.to_thread(self.writer.run, lambda store: read_payment(store, name)) is None:
            raise ChallengeRefused(f"it is over since {challenge.expires}")

    def find_trouble(self, error: NvmChainError) -> Exception:
        """Return an error of a payment, or the answer where it is the gateway that cannot send. The operator hears of that."""
        if isinstance(error, PaymentClaimed):
            return error
        refusal = refuse_sending(error, self._keys, self._tell)
        return error if refusal is None else Refused(refusal)

    async def refuse(self, error: NvmChainError, own: str, ask: Callable[[], Awaitable[Refusal]]) -> Refusal:
        """Return the answer to a credential that is refused: with new challenges only if no money can have moved.

        Args:
            error: Why it is refused.
            own: The URL in front of the gateway's own paths.
            ask: Returns the answer that asks for a payment.
        """
        if isinstance(error, PaymentClaimed) and is_open(error):
            return answer_claimed(error, own)
        found = find_problem(error)
        if found is None:
            return refuse(error)
        name, status = found
        return add_problem(await ask(), error, name) if status == UNPAID else tell_problem(error, name, status)
