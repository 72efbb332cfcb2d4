"""The sender of webhooks beside a gateway that serves, in the same event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.notice_rules import build_targets
from nvm_chain.gateway.settings import GatewaySettings
from nvm_chain.gateway.webhooks.sending import FindKeys, WebhookSender
from nvm_chain.gateway.webhooks.signing import parse_secrets
from nvm_chain.gateway.workers import Workers
from nvm_chain.meter.store.writer import Writer


@asynccontextmanager
async def keep_sending(
    writer: Writer,
    settings: GatewaySettings,
    services: Mapping[str, SoldService],
    find_keys: FindKeys | None,
    workers: Workers,
    on_trouble: Callable[[NvmChainError], object],
) -> AsyncIterator[None]:
    """Send what webhooks should hear of for the block of an ``async with``. Without webhooks, do nothing.

    Args:
        writer: The books.
        settings: The settings of the gateway, with the webhooks.
        services: What is sold.
        find_keys: A function that returns the keys of a webhook as they are now. Those of the settings if not given.
        workers: What begins again after errors.
        on_trouble: Called with each failure of the books after which the sender tries again.
    """
    hooks = settings.webhooks
    if not hooks:
        yield
        return
    targets = build_targets(settings, {did: service.plans for did, service in services.items()})
    keys = {name: parse_secrets(hook.secret, name) for name, hook in hooks.items()}
    sender = WebhookSender(writer, hooks, targets, find_keys or keys.__getitem__, on_trouble=on_trouble)
    sending = asyncio.ensure_future(workers.keep("webhook sender", sender.run))
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.wait([sending])
