"""Where new plans are made: the gateway's chain, its redeemer, and what it serves."""

from collections.abc import Mapping
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.gateway.catalogue import SoldService


@dataclass(frozen=True, slots=True)
class Place:
    """What the page of a new plan has to know of its gateway. ``base`` is the gateway's URL, and ``services`` are by DID."""

    base: str
    chain_id: int
    credits: ChecksumAddress
    redeemer: ChecksumAddress
    services: Mapping[str, SoldService]
