"""Service tokens: a voucher for one request as a text, for the header Authorization."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

from nvm_chain.errors import InvalidMessage
from nvm_chain.signing.vouchers import SignedVoucher


def format_service_token(signed: SignedVoucher) -> str:
    """Format a voucher as a token: its JSON in base64url."""
    return urlsafe_b64encode(signed.to_json().encode()).decode()


def read_service_token(token: str) -> SignedVoucher:
    """Parse the voucher in a token. Makes no request, and does not check the voucher.

    Raises:
        InvalidMessage: The text is not a token.
    """
    try:
        text = urlsafe_b64decode(token.encode("ascii")).decode()
    except (binascii.Error, ValueError, AttributeError):
        raise InvalidMessage("service token", "it is not base64url of text") from None
    return SignedVoucher.from_json(text)
