"""Generator of the reference: one page per public module, and one page of all errors, from source and docstrings."""
