"""The reference: one page per public module, and one of all errors, from the source and its docstrings."""
