"""What a facilitator needs beside its paths: threads with connections, and the work on settlements that nobody asks for any more."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NvmChainError, PaymentClaimed
from nvm_chain.errors.fields import Number, Seconds
from nvm_chain.gateway.checkout.desks import Desk
from nvm_chain.gateway.facilitator.credits import MeterCases
from nvm_chain.gateway.facilitator.paths import CreditsCases, FacilitatorPaths, FindCallers
from nvm_chain.gateway.facilitator.settings import FacilitatorPart
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.store.payments import Payment, PaymentPurpose, list_unfinished
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.keys import Signer
from nvm_chain.x402.facilitator.desk import Facilitator
from nvm_chain.x402.facilitator.orders import ORDER_GAS
from nvm_chain.x402.facilitator.settings import FacilitatorSettings
from nvm_chain.x402.settling.transfers import TransferRules, Transfers

VERIFYING: Final = 8
SETTLING: Final = 32
"""How many settlements wait for their transactions at the same time."""
MOST_WAITING: Final = 256
BUSY: Final = "Too many servers ask the facilitator at the moment. Ask the same again in a few seconds."
LOOK_SECONDS: Final[Seconds] = 15
"""How often settlements without an end are looked at."""

logger: Final = logging.getLogger(__name__)


@asynccontextmanager
async def open_facilitator(
    connect: Callable[[], Chain],
    signer: Signer,
    writer: Writer,
    settings: FacilitatorSettings,
    chain_id: Number,
    find_callers: FindCallers,
    *,
    tell: Callable[[NvmChainError], object],
    credits: CreditsCases | None = None,
    follows: bool = True,
) -> AsyncIterator[FacilitatorPaths]:
    """Open a facilitator for the block of an ``async with``. It connects to the chain when it is first asked.

    Args:
        connect: A function that connects to the chain. Each thread has a connection of its own.
        signer: The key that sends settlements, and pays their gas.
        writer: The books.
        settings: The rules.
        chain_id: The chain.
        find_callers: A function that returns who may ask, as it is now.
        tell: A function that tells the operator of faults.
        credits: What verifies and settles payments with credits.
        follows: Whether settlements without an end are looked at here. Otherwise somebody else does.
    """

    def connect_patiently() -> Chain:
        chain = connect()
        chain.timeout_seconds = settings.wait_seconds
        return chain

    facilitator = Facilitator(settings, signer, writer)
    verifying = Desk(connect, threads=VERIFYING, most_waiting=MOST_WAITING, busy=BUSY)
    settling = Desk(connect_patiently, threads=SETTLING, most_waiting=MOST_WAITING, busy=BUSY)
    following = asyncio.ensure_future(_follow(settling, signer, writer, tell)) if follows else None
    try:
        yield FacilitatorPaths(facilitator, verifying, settling, chain_id, find_callers, tell=tell, credits=credits)
    finally:
        if following is not None:
            following.cancel()
        verifying.close()
        settling.close()


@asynccontextmanager
async def open_own_facilitator(
    connect: Callable[[], Chain],
    signer: Signer,
    meter: Meter,
    part: FacilitatorPart | None,
    tell: Callable[[NvmChainError], object],
) -> AsyncIterator[FacilitatorPaths | None]:
    """Open the facilitator of a gateway for the block of an ``async with``. None if its settings do not have one.

    Args:
        connect: A function that connects to the chain.
        signer: The key that sends settlements, and pays their gas.
        meter: The meter, whose books keep the settlements, and which settles vouchers.
        part: The settings.
        tell: A function that tells the operator of faults.

    Raises:
        InvalidConfig: The settings name no token, and no USDC is known on the chain.
        NetworkError: The node does not answer.
    """
    if part is None:
        yield None
        return
    settings = part.fill((await asyncio.to_thread(connect)).usdc)
    opened = open_facilitator(
        *(connect, signer, meter.writer, settings, meter.settings.chain_id, lambda: part.callers),
        tell=tell,
        credits=MeterCases(meter),
    )
    async with opened as paths:
        yield paths


async def _follow(desk: Desk[Chain], signer: Signer, writer: Writer, tell: Callable[[NvmChainError], object]) -> None:
    """Go on with settlements again and again, whose callers may have ended. A transaction that is lost is sent again."""
    while True:
        try:
            unfinished = await asyncio.to_thread(writer.run, list_unfinished)
            for payment in unfinished:
                if payment.purpose is PaymentPurpose.FACILITATOR:
                    await desk.ask(partial(_resume, signer=signer, writer=writer, payment=payment))
        except PaymentClaimed:
            pass  # it is under way still
        except NvmChainError as error:
            tell(error)
        except Exception as error:  # noqa: BLE001  # a mistake in one look may not end all others
            logger.error("The look at settlements failed with %s, and the next one tries again.", type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)


def _resume(chain: Chain, signer: Signer, writer: Writer, payment: Payment) -> None:
    Transfers(chain, signer, writer, TransferRules(most_gas=ORDER_GAS)).resume(payment)
