"""Pages of lists in the second documented generation."""

from collections.abc import Iterable
from dataclasses import dataclass

from nvm_chain.errors import InvalidConfig
from nvm_chain.payments.parameters import check_kind
from nvm_chain.types.amounts import check_uint


@dataclass(frozen=True, slots=True)
class PaginationOptions:
    """Page of a list: its number from 1, its maximum number of items, and their order. The default order is the chain's."""

    page: int = 1
    offset: int = 10
    sort_by: str | None = None
    sort_order: str = "desc"

    def __post_init__(self) -> None:
        """Check all fields. Raises InvalidAmount, InvalidConfig."""
        check_uint(self.page, 32, "page", minimum=1)
        check_uint(self.offset, 32, "offset", minimum=1)
        if self.sort_by not in (None, "id", "created") or self.sort_order not in ("asc", "desc"):
            raise InvalidConfig("lists are sorted by 'id' or 'created', which is the same order, and 'asc' or 'desc'")

    def sort(self, numbers: Iterable[int]) -> list[int]:
        """Return ids in the requested order. Without a requested order the ids are unchanged."""
        return list(numbers) if self.sort_by is None else sorted(numbers, reverse=self.sort_order == "desc")


def read_pagination(pagination: PaginationOptions | None) -> PaginationOptions:
    """Return the requested page. The default is the first page, with ten items. Raises InvalidConfig."""
    check_kind("pagination", pagination, (PaginationOptions, type(None)), "PaginationOptions(page=2, offset=10)")
    return pagination or PaginationOptions()
