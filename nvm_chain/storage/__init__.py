"""Storage of documents and files outside the chain."""
