"""New plans on a page: what a seller chooses, the review in words, and the transactions that the seller's wallet sends."""
