"""Documents and files that are not on the chain."""
