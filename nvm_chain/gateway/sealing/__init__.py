"""Sealed secrets: how they are named, the keys that seal them, and the file that has them."""
