"""The sender of webhooks: it takes what is due from the books, sends it, and writes down what came of it.

Any number of processes send from the same books, each message by one of them at a time. A webhook that is slow or dead has a few
open messages at most. It delays no other webhook, and no request.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.webhooks.events import build_message, name_message
from nvm_chain.gateway.webhooks.posting import POST_SECONDS, Poster
from nvm_chain.gateway.webhooks.settings import WebhookSettings
from nvm_chain.gateway.webhooks.signing import sign_message
from nvm_chain.meter.deliveries import Delivery, Target
from nvm_chain.meter.store.deliveries import hand_over, note_failed, note_sent, take_deliveries
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer

POLL_SECONDS: Final = 2
"""The pause between two looks for notices that are due."""
MOST_OPEN: Final = 8
"""How many messages to one webhook are under way in one process."""
MOST_AT_ONCE: Final = 200
"""How many notices one look hands over to the webhooks."""
SPARE_SECONDS: Final = 45
"""How much later than an attempt its message is due again, if its process is killed."""
FindKeys = Callable[[str], tuple[bytes, ...]]
"""Returns the keys of a webhook, as they are now, by its name."""
AnyResult = TypeVar("AnyResult")


class WebhookSender:
    """Sends what webhooks should hear of, until its task is cancelled. A message under way then is sent again later."""

    def __init__(
        self,
        writer: Writer,
        webhooks: Mapping[str, WebhookSettings],
        targets: Mapping[str, Target],
        find_keys: FindKeys,
        *,
        on_trouble: Callable[[NvmChainError], object],
        seconds: float = POST_SECONDS,
    ) -> None:
        """Take the books and the webhooks. Opens nothing.

        Args:
            writer: The books.
            webhooks: The webhooks, by name.
            targets: What each of them hears of, by name.
            find_keys: A function that returns the keys of a webhook as they are now.
            on_trouble: Called with each failure of the books after which the sender tries again.
            seconds: How long a webhook may take for its answer.
        """
        self._writer, self._webhooks, self._targets = writer, webhooks, targets
        self._find_keys, self._on_trouble, self._seconds = find_keys, on_trouble, seconds
        self._open: dict[str, set[asyncio.Task[None]]] = {name: set() for name in webhooks}
        self._bug: BaseException | None = None

    async def run(self, poll_seconds: float = POLL_SECONDS) -> None:
        """Send what is due again and again. An error that is not of this package ends it."""
        poster = Poster(MOST_OPEN * len(self._webhooks), seconds=self._seconds)
        with ThreadPoolExecutor(1, "nvm-chain webhooks") as self._executor:  # so that no request waits for a thread
            try:
                while True:
                    try:
                        await self._look(poster)
                    except NvmChainError as error:
                        self._on_trouble(error)
                    await asyncio.sleep(poll_seconds)
            finally:
                tasks = [task for some in self._open.values() for task in some]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await poster.close()

    async def _look(self, poster: Poster) -> None:
        """Hand over what is due, and begin to send as much as each webhook has room for."""
        while await self._do(partial(hand_over, targets=[*self._targets.values()], count=MOST_AT_ONCE)) == MOST_AT_ONCE:
            pass
        for name, tasks in self._open.items():
            room = MOST_OPEN - len(tasks)
            if room:
                lasts = int(self._seconds) + SPARE_SECONDS
                for delivery in await self._do(partial(take_deliveries, webhook=name, count=room, seconds=lasts)):
                    task = asyncio.ensure_future(self._send(poster, delivery))
                    tasks.add(task)
                    task.add_done_callback(partial(self._end, tasks))
        if self._bug is not None:
            bug, self._bug = self._bug, None
            raise bug

    def _end(self, tasks: "set[asyncio.Task[None]]", task: "asyncio.Task[None]") -> None:
        """Note that a message was sent or not. What should not happen ends the next look."""
        tasks.discard(task)
        if not task.cancelled():
            self._bug = task.exception() or self._bug

    async def _send(self, poster: Poster, delivery: Delivery) -> None:
        """Send a message, and write down what came of it. If that cannot be written, it is sent again later."""
        hook, notice = self._webhooks[delivery.webhook], delivery.notice
        body, second = build_message(notice), int(time.time())
        headers = sign_message(self._find_keys(hook.name), name_message(notice), second, body)
        posted = await poster.post(hook.url, headers, body)
        try:
            if posted.trouble is None:
                await self._do(partial(note_sent, delivery=delivery))
            else:
                failed = partial(note_failed, delivery=delivery, trouble=posted.trouble, is_final=posted.is_final)
                await self._do(failed)
        except NvmChainError as error:
            self._on_trouble(error)

    async def _do(self, work: Callable[[Store], AnyResult]) -> AnyResult:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._writer.run, work)
