"""Payment methods of orders and of usage payments, with one file for each method."""
