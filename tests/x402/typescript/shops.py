"""A shop with the official express middleware, and a facilitator of ours behind it."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.x402.typescript.workspace import Workspace

STOP_SECONDS = 30


@contextmanager
def open_express(workspace: Workspace, **settings: Any) -> Iterator[str]:
    """Run the shop of this folder, and yield its URL."""
    with run_shop_program(workspace, "express_shop.mjs", SETTINGS=json.dumps(settings)) as url:
        yield url


@contextmanager
def run_shop_program(workspace: Workspace, program: str, **variables: str) -> Iterator[str]:
    """Run a program that prints the port on which it listens, and yield its URL."""
    environment = {**os.environ, "NODE_NO_WARNINGS": "1", **variables}
    command = ["node", program]
    process = subprocess.Popen(command, cwd=workspace.folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
        process.stdout.close()
