"""The wire of MPP: payment as an authentication scheme of HTTP, with the intent ``charge`` and the method ``evm``."""
