"""What is a signer, and what is a key or an address in its place."""

from typing import Final

from nvm_chain.errors import InvalidConfig

_SIGNS: Final = ("sign_transaction", "unsafe_sign_hash", "sign_typed_data")
_MAKE_ONE: Final = "make one with `read_keyfile(path, password)` or `read_key_from_environment(variable)`, or give an account of eth-account"


def check_signer(signer: object) -> None:
    """Refuse what is not a signer, such as a private key or an address as text. Nothing of it is shown. No network.

    For functions that need the signer's address before they sign or send.

    Raises:
        InvalidConfig: The object has no address, or signs nothing.
    """
    has_address = isinstance(getattr(signer, "address", None), str)
    if not has_address or not any(callable(getattr(signer, name, None)) for name in _SIGNS):
        raise InvalidConfig(
            f"a signer is an account that signs, not a value of type {type(signer).__name__}", _MAKE_ONE
        )


def check_transaction_signer(signer: object) -> None:
    """Refuse what does not sign transactions. Raises as `check_signer`."""
    check_signer(signer)
    if not callable(getattr(signer, "sign_transaction", None)):
        raise InvalidConfig(f"{type(signer).__name__} signs no transactions, and this call sends one", _MAKE_ONE)
