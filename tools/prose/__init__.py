"""The house's rules for English, checked over docstrings, messages, NatSpec and documents."""
