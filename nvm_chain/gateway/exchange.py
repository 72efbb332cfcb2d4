"""One request to an upstream and its answer, with everything that can happen to it on the way."""

import asyncio
from typing import NoReturn

from nvm_chain.errors import NvmChainError, UpstreamTooSlow
from nvm_chain.gateway.bodies import BodyDiffers
from nvm_chain.gateway.forwarding import Passage, Send, build_headers, call_upstream, hand_down
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.kept_answers import KeptBody
from nvm_chain.gateway.outcomes import Outcome
from nvm_chain.gateway.upstream import Answer, Upstreams
from nvm_chain.gateway.watching import BuyerWatch, End
from nvm_chain.meter.idempotency import MAX_ANSWER


class AnswerCut(Exception):
    """An answer ended in the middle. The server ends the connection, so that the buyer does not take it as whole."""


class Exchange:
    """Hands on a request and its answer, and notes in the outcome what became of both."""

    def __init__(self, upstreams: Upstreams, passage: Passage, outcome: Outcome, send: Send, more: Headers) -> None:
        """Take the request and its outcome.

        Args:
            upstreams: The client that calls upstreams.
            passage: The request.
            outcome: What notes the end of the request.
            send: The function that sends a message to the buyer.
            more: Headers of every answer.
        """
        self._upstreams, self._passage, self._outcome = upstreams, passage, outcome
        self._send, self._more = send, more

    async def run(self, *, keeps: bool = False) -> tuple[KeptBody, int] | None:
        """Carry out the exchange. With ``keeps``, return the answer, up to 64 KiB of its body, and the body's size.

        Raises:
            UpstreamError: The upstream did not answer, and nothing was sent to the buyer.
            BodyDiffers: The body is not the one that was signed, and nothing was sent to the buyer.
            AnswerCut: The answer ended in the middle.
        """
        passage, outcome = self._passage, self._outcome
        watch = BuyerWatch(passage, outcome)
        try:
            return await self._pass(keeps, watch)
        except asyncio.CancelledError:
            end = watch.take_back()
            if end is None:
                raise
            if end is End.LATE:
                self._end_late()
            self._end_for_buyer()
            return None
        except NvmChainError as error:
            if passage.was_left:
                outcome.note_gone()
            if passage.began:
                raise AnswerCut from error
            raise
        except OSError as error:  # some servers raise it when the buyer has gone
            outcome.note_gone()
            raise AnswerCut from error
        finally:
            watch.stop()
            outcome.finish()

    def _end_late(self) -> NoReturn:
        """End the exchange after its time. Raises UpstreamTooSlow, or AnswerCut if the buyer has the head of the answer."""
        settings = self._passage.service.settings
        if not self._passage.began:
            raise UpstreamTooSlow(settings.did, settings.request_seconds)
        self._outcome.note_gone()  # otherwise an endless stream would cost nothing
        raise AnswerCut

    def _end_for_buyer(self) -> None:
        """End the exchange because of the buyer, who pays: the answer had begun, or the buyer left. Raises AnswerCut for a wrong body."""
        self._outcome.note_gone()
        if isinstance(self._passage.trouble, BodyDiffers):
            raise AnswerCut from self._passage.trouble

    async def _pass(self, keeps: bool, watch: BuyerWatch) -> tuple[KeptBody, int] | None:
        found = await call_upstream(self._upstreams, self._passage, self._outcome.told, self._outcome.note_call)
        try:
            return await self._answer(found, keeps, watch)
        finally:
            found.close()  # which does nothing after the whole answer

    async def _answer(self, found: Answer, keeps: bool, watch: BuyerWatch) -> tuple[KeptBody, int] | None:
        headers = build_headers(self._passage, found, self._outcome.note_answer(found))
        if self._passage.trouble is not None:
            raise self._passage.trouble
        keep = bytearray() if keeps else None
        self._passage.began = True
        await self._send({"type": "http.response.start", "status": found.status, "headers": [*headers, *self._more]})
        watch.note_piece()
        size = await hand_down(found, self._send, keep, MAX_ANSWER, watch.note_piece)
        self._outcome.note_served()
        return None if keep is None else (KeptBody(found.status, headers, bytes(keep)), size)
