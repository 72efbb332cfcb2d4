"""The wire of x402, version 2: headers, offers and payments. No HTTP library, and no network."""
