"""Checks of signers. A private key or an address is not a signer."""

from typing import Final

from nvm_chain.errors import InvalidConfig

_SIGNS: Final = ("sign_transaction", "unsafe_sign_hash", "sign_typed_data", "sign_typed_struct")
_MAKE_ONE: Final = "make one with `read_keyfile(path, password)` or `read_key_from_environment(variable)`, or give an account of eth-account"


def check_signer(signer: object) -> None:
    """Refuse a value that is not a signer, such as a private key or an address as text. No network.

    The error never shows the value.

    Raises:
        InvalidConfig: The value does not have an address, or cannot sign.
    """
    has_address = isinstance(getattr(signer, "address", None), str)
    if not has_address or not any(callable(getattr(signer, name, None)) for name in _SIGNS):
        raise InvalidConfig(
            f"a signer is an account that signs, not a value of type {type(signer).__name__}", _MAKE_ONE
        )


def check_transaction_signer(signer: object) -> None:
    """Refuse a value that cannot sign transactions. Raises InvalidConfig. No network."""
    check_signer(signer)
    if not callable(getattr(signer, "sign_transaction", None)):
        raise InvalidConfig(f"{type(signer).__name__} signs no transactions, and this call sends one", _MAKE_ONE)
