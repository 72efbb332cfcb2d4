"""A plan's terms in plain words, and templates of plans. No network."""
