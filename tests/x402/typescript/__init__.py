"""The official TypeScript client of x402 with our plug-in, against real gateways."""
