"""What programs of the documents import that sell or buy over HTTP, beside `tests.support.warm_imports`. The fork server imports it once."""

import gc

import httpx
import uvicorn

import nvm_chain.client.buyer
import nvm_chain.client.requests_adapter
import nvm_chain.gateway.opening
import nvm_chain.meter.opening
import nvm_chain.meter.settling.settler
import tests.support.warm_imports

__all__ = ["httpx", "nvm_chain", "tests", "uvicorn"]

gc.freeze()  # so that no fork copies what it does not change
