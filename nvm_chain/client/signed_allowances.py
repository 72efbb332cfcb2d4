"""Signed allowances: what the holder of credits gives to somebody else who may use them.

The text of an allowance is not a secret, because only the user's key can use it.
"""

import json
from dataclasses import dataclass
from typing import Final

from nvm_chain.errors import InvalidMessage
from nvm_chain.meter.session_terms import SessionTerms, check_session_voucher, parse_session_terms
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.json_text import parse_json

_NOUN: Final = "allowance"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a holder has signed for somebody else: the terms, and the voucher whose context is their hash."""

    terms: SessionTerms
    signed: SignedVoucher

    def to_json(self) -> str:
        """Return the allowance as text for its user."""
        return json.dumps({"terms": self.terms.text, "voucher": self.signed.to_json()})

    @classmethod
    def from_json(cls, text: str) -> "Allowance":
        """Read an allowance. Who signed it is checked by the gateway.

        Raises:
            InvalidMessage: The text is not an allowance.
            VoucherMismatch: The voucher was signed for other terms.
        """
        try:
            told = parse_json(text)
            terms, voucher = told["terms"], told["voucher"]
            if not isinstance(terms, str) or not isinstance(voucher, str):
                raise InvalidMessage(_NOUN, "its terms and its voucher are not texts")
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            raise error if isinstance(error, InvalidMessage) else InvalidMessage(_NOUN, "it is not its JSON") from None
        found = cls(parse_session_terms(terms), SignedVoucher.from_json(voucher))
        check_session_voucher(found.signed.voucher, found.terms)
        return found
