"""The sink of a store for windows: the feed's door to the books of time plans."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from nvm_chain.meter.feed.store_sink import list_rows, put_all
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.packing import pack_key, unpack_key, unpack_window
from nvm_chain.meter.store.schema import windows
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.window_changes import SeeWindow
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.windows import WindowAccount, WindowView


class StoreWindowSink:
    """The windows of a writer's store, for the feed."""

    def __init__(self, writer: Writer) -> None:
        """Take the writer."""
        self._writer = writer

    def find_past(self, keys: Collection[AccountKey]) -> Mapping[AccountKey, Sequence[WindowView]]:
        """Return the views in the books of windows, the latest last. Those without books are left out."""
        return {key: window.past for key, window in self._find(keys).items()}

    def _find(self, keys: Collection[AccountKey]) -> dict[AccountKey, WindowAccount]:
        packed = [pack_key(key) for key in keys]
        if not packed:
            return {}

        def read(store: Store) -> dict[AccountKey, WindowAccount]:
            with store.asking() as pen:
                rows = pen.find(windows, packed)
            named = {unpack_key(row[0], row[1]): row for row in rows}
            return {key: unpack_window(row, key) for key, row in named.items()}

        return self._writer.run(read)

    def list_later(self, block_number: int) -> Iterator[AccountKey]:
        """Yield the windows whose latest view is of a later block."""
        keys = [key for key, _ in list_rows(self._writer, "windows")]
        for key, window in self._find(keys).items():
            if any(view.block_number > block_number for view in window.past[-1:]):
                yield key

    def see(self, changes: Sequence[SeeWindow]) -> None:
        """Put views into the books, and return when they are durable. Its errors are those of `StoreSink.see`."""
        put_all(self._writer, changes)
