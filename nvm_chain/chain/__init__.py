"""The seam to a node, and where our contracts are."""
