"""The checkout: what a plan says, what a wallet signs and sends to order it, and what became of the order."""
