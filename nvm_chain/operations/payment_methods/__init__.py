"""Payment methods: how the money of an order, or of a request, reaches the receivers. One file for each method."""
