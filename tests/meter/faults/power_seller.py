"""A program under the file shim: a seller serves some requests, and writes a line for each one into the upstream's file.

    python -m tests.meter.faults.power_seller FOLDER SEED REQUESTS PLANT

The books are FOLDER/books.db. What the upstream was asked for is in FOLDER/told, in the order in which it happened. PLANT is
``none``, or the name of a mistake to plant into the store.
"""

import asyncio
import faulthandler
import json
import os
import sys
from pathlib import Path
from typing import Final

from nvm_chain.index import sqlite
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.store import store
from tests.meter.faults.ground import Ground
from tests.meter.faults.power import BOOKS, TOLD
from tests.meter.faults.promises import quick_feeds
from tests.meter.faults.seller import WholeSeller

PLANTS: Final = {
    "none": ("PRAGMA synchronous = FULL",),
    "no sync": ("PRAGMA synchronous = OFF",),
    "sync at checkpoints": ("PRAGMA synchronous = NORMAL",),
}
"""What the store sets on its file, by the name of the mistake."""


LOG_PAGES: Final = (sqlite.LOG_PAGES, 30)
"""How long the log of the file gets before it is copied into it. Every other seller does so after a few groups."""
LONGEST_SECONDS: Final = 60
"""After which a seller that hangs says where."""


async def serve(ground: Ground, folder: Path, seed: int, requests: int) -> None:
    """Serve until so many requests were told of, and stop."""
    told = os.open(folder / TOLD, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    served = 0

    def tell(what: str, number: int, hold_id: str, owner: str, credits: int) -> None:
        nonlocal served
        os.write(told, f"{what} {number} {hold_id or '-'} {owner or '-'} {credits}\n".encode())
        served += what == "served"

    async with open_meter(folder / BOOKS, ground.index, ground.settings, renews=True) as meter:
        await WholeSeller(meter, ground, tell, seed).serve(lambda: served >= requests)
    os.close(told)


def main(folder: str, seed: str, requests: str, plant: str) -> None:
    """Plant a mistake, and serve."""
    ground = Ground(**json.loads((Path(folder).parent / "ground.json").read_text("utf-8")))
    sqlite.LOG_PAGES = LOG_PAGES[int(seed) % 2]  # type: ignore[misc]
    store.ALONE = (*PLANTS[plant], *store.ALONE[1:])  # type: ignore[misc]
    faulthandler.dump_traceback_later(LONGEST_SECONDS, exit=True)
    with quick_feeds():
        asyncio.run(serve(ground, Path(folder), int(seed), int(requests)))
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(*sys.argv[1:])
