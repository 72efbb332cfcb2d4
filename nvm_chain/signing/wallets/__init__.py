"""Signers for contract wallets: each gives the signature in the form that its wallet accepts (ERC-1271). No network."""
