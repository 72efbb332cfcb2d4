"""What is signed and by whom, without network."""
