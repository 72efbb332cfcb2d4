"""Signed transfers on their way: sent once through a journal, looked up until they are final, and answered by grants of plans."""
