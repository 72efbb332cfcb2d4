"""What the gateway itself answers: one file for each group of its addresses. `nvm_chain.gateway.own_paths` lists them."""
