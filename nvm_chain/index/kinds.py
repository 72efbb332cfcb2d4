"""The numbers that stand for events and movements in an index. They are frozen: an index on a disk has them."""

from enum import IntEnum
from typing import Final


class EventKind(IntEnum):
    """The number of an event. Events of AgentRegistry have numbers from 101 on."""

    PlanRegistered = 1
    PlanActiveSet = 2
    RedeemerSet = 3
    MinterSet = 4
    PlanOwnershipOffered = 5
    PlanOwnershipTransferred = 6
    Ordered = 7
    UsagePaid = 8
    GrantedExternal = 9
    AccessChanged = 10
    FeeForgone = 11
    MintSkipped = 12
    Redeemed = 13
    Settled = 14
    NotFullySettled = 15
    ProtocolFeeSet = 16
    TransferSingle = 17
    TransferBatch = 18
    URI = 19
    ApprovalForAll = 20
    OwnershipTransferStarted = 21
    OwnershipTransferred = 22
    Registered = 101
    URIUpdated = 102
    PlanAttached = 103
    PlanDetached = 104
    Transfer = 105
    Approval = 106
    AgentApprovalForAll = 107

    @property
    def is_of_agents(self) -> bool:
        """Whether AgentRegistry emits the event. Else Credits does."""
        return self > 100

    @property
    def event_name(self) -> str:
        """The name in the ABI. Both contracts have an event with the name ApprovalForAll."""
        return "ApprovalForAll" if self is EventKind.AgentApprovalForAll else self.name


class MovementCode(IntEnum):
    """The number of a movement of credits. The names are those of `nvm_chain.statements.MovementKind`."""

    ORDER = 0
    GRANT = 1
    PAID_EXTERNALLY = 2
    TRANSFER_IN = 3
    REDEMPTION = 4
    SETTLEMENT = 5
    BURN = 6
    TRANSFER_OUT = 7


class SaleCode(IntEnum):
    """The number of a sale."""

    ORDER = 0
    """Purchase of credits or periods. The money went to the plan's receivers on the chain."""
    USAGE = 1
    """Payment for a request of a usage plan."""
    EXTERNAL = 2
    """Grant for a payment outside the chain. Its cost in the index is 0, because the chain does not know the payment."""


PLACE_BITS: Final = 20
"""The bits of a place that are the event's index in its block. The bits above are the number of the block."""
MAX_LOG_INDEX: Final = (1 << PLACE_BITS) - 2
"""The highest index of an event in its block. The next place still belongs to the block."""
MAX_BLOCK: Final = (1 << 63 - PLACE_BITS) - 1


def place_of(block_number: int, log_index: int = 0) -> int:
    """Return the place of an event: one number, by which all events are in order."""
    return block_number << PLACE_BITS | log_index


def split_place(place: int) -> tuple[int, int]:
    """Return the number of the block and the event's index in the block."""
    return place >> PLACE_BITS, place & (1 << PLACE_BITS) - 1
