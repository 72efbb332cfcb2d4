"""What nearly every program of the documents imports, and what takes most of its time. The fork server imports it once."""

import nvm_chain.chain.embedded
import nvm_chain.chain.rpc
import nvm_chain.operations.orders
import nvm_chain.payments

__all__ = ["nvm_chain"]
