"""Demo of the product on a development chain, in two acts: a purchase, and a thousand requests by signature."""

from nvm_chain.demo.results import DemoResult, MeteredResult, NotRefused, Step
from nvm_chain.demo.stage import ROLES, is_development_chain, open_demo_chain
from nvm_chain.demo.story import run_demo

__all__ = [
    "ROLES",
    "DemoResult",
    "MeteredResult",
    "NotRefused",
    "Step",
    "is_development_chain",
    "open_demo_chain",
    "run_demo",
]
