"""What people do on chain: one file for each page of docs/operations."""
