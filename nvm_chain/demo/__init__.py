"""Demo of the product on a development chain, in three acts: a purchase, requests by signature, and a gateway over HTTP."""

from nvm_chain.demo.results import DemoFailed, DemoResult, MeteredResult, NotRefused, ServedResult, Step
from nvm_chain.demo.stage import ROLES, is_development_chain, open_demo_chain
from nvm_chain.demo.story import run_demo

__all__ = [
    "ROLES",
    "DemoFailed",
    "DemoResult",
    "MeteredResult",
    "NotRefused",
    "ServedResult",
    "Step",
    "is_development_chain",
    "open_demo_chain",
    "run_demo",
]
