"""The pictures of README and docs/, drawn from what they show: the demo's own output, and the steps of a purchase."""
