"""A meter in a process of its own, which does what it is told line by line, and the side of the test that tells it.

    python -m tests.meter.faults.far_meter WHERE

reads a ground first, and then a list of a command and its arguments in each line. The answer to each is one line: what came of
it, and numbers. ``kept`` numbers are the names of holds and of tokens.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from unittest import mock

from nvm_chain.errors import NvmChainError
from nvm_chain.meter import opening
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.store.group_rows import StoredHold
from tests.meter.faults.ground import REQUEST, Ground
from tests.meter.faults.promises import quick_feeds
from tests.support.meter_books import check_books

ROOT: Final = Path(__file__).parent.parent.parent.parent
SWEEP_SECONDS: Final = 0.05
SECONDS: Final = 60
CREDITS: Final = 5
Answer = list[Any]


class FarMeter:
    """The side of the test. `tell` waits for the answer, and `start` does not."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def start(self, *command: Any) -> None:
        """Tell a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Answer:
        """Return the next answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process has ended"
        answer: Answer = json.loads(line)
        return answer

    def tell(self, *command: Any) -> Answer:
        """Tell a command, and return its answer."""
        self.start(*command)
        return self.hear()

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait(SECONDS)


@contextmanager
def far_meter(where: str, ground: Ground, *, shim: Path | None = None, **settings: str) -> Iterator[FarMeter]:
    """Run a meter in a process that is started with a shim, and end it after the block."""
    environment = {**os.environ, **settings, **({"LD_PRELOAD": str(shim)} if shim else {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.meter.faults.far_meter", where],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            far = FarMeter(process)
            assert far.tell("ground", asdict(ground)) == ["ready"]
            yield far
        finally:
            process.stdin.close()  # type: ignore[union-attr]
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


# ---------------------------------------------------------------------- the side of the process


class _Worker:
    def __init__(self, meter: Meter, ground: Ground) -> None:
        self.meter, self.ground = meter, ground
        self.holds: dict[str, StoredHold] = {}

    async def do(self, name: str, *arguments: Any) -> Answer:
        """Do a command. A refusal is an answer too."""
        try:
            return await getattr(self, f"do_{name}")(*arguments)
        except NvmChainError as error:
            return [type(error).__name__]

    async def do_admit(self, number: int, end: int = 0) -> Answer:
        """Present a voucher by its number."""
        return self._keep(await self.meter.admit(REQUEST, self.ground.pay(number, end), CREDITS))

    async def do_use(self, token: str) -> Answer:
        """Make a request with a session token."""
        return self._keep(await self.meter.admit(REQUEST, TokenCredential(token), CREDITS))

    def _keep(self, hold: Any) -> Answer:
        assert isinstance(hold, StoredHold)
        self.holds[hold.hold_id.hex()] = hold
        return ["StoredHold", hold.hold_id.hex(), hold.until]

    async def do_charge(self, hold_id: str, cost: int) -> Answer:
        """Charge for a hold that this process has opened."""
        charged = await self.meter.charge(self.holds[hold_id], cost)
        return ["charged", charged.cost]

    async def do_session(self, holder: int) -> Answer:
        """Open a session."""
        token, _ = await self.meter.open_session(*self.ground.open_terms(holder))
        return ["token", token]

    async def do_account(self, holder: int) -> Answer:
        """Return what an account has charged and held."""
        account = await self.meter.account(*self.ground.keys[holder])
        return [account.committed, account.held]

    async def do_check(self) -> Answer:
        """Add the books up again."""
        await asyncio.to_thread(self.meter.writer.run, check_books)
        return ["right"]


async def _work(where: str) -> None:
    loop = asyncio.get_running_loop()

    async def read() -> Any:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        return json.loads(line) if line else None

    _, parts = await read()
    ground = Ground(**parts)
    async with open_meter(where, ground.index, ground.settings, renews=True) as meter:
        worker = _Worker(meter, ground)
        print(json.dumps(["ready"]), flush=True)
        while (command := await read()) is not None:
            print(json.dumps(await worker.do(*command)), flush=True)


if __name__ == "__main__":
    with quick_feeds(), mock.patch.object(opening, "SWEEP_SECONDS", SWEEP_SECONDS):
        asyncio.run(_work(sys.argv[1]))
