"""What programs can find out about a gateway before they pay: documents that are made from the chain."""
