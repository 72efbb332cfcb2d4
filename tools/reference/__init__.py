"""What tools/write_reference.py writes docs/reference/ with."""
