"""The checks of a gateway before its first request. `nvm_chain.gateway.checking` runs them all."""
