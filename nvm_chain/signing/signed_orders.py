"""Signed orders: a payer signs once, and anyone may send the order. The token moves the money (EIP-3009).

The payer signs the token's ``ReceiveWithAuthorization``, which only Credits can use. Its nonce is a hash of the whole
order, so a relayer cannot change the order.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import (
    AuthorizationExpired,
    AuthorizationMismatch,
    AuthorizationNotYetValid,
    AuthorizationSignatureInvalid,
    InvalidConfig,
    InvalidMessage,
)
from nvm_chain.errors.fields import Money, PlanId, Quantity, Time
from nvm_chain.signing.eip712 import (
    Domain,
    MessageSigner,
    StructType,
    Value,
    check_address,
    check_bytes32,
    encode_word,
    hash_message,
    sign_struct,
)
from nvm_chain.signing.json_messages import MessageReader, format_message
from nvm_chain.signing.signatures import REFUSED, AskChain, is_signed_by, keccak, recover_signer
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import parse_plan_id

RECEIVE_WITH_AUTHORIZATION: Final = StructType(
    "ReceiveWithAuthorization"
    "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
MESSAGE_TYPE: Final = "nvm_chain.order.v1"
SALT_BYTES: Final = 32

_NOUN: Final = "signed order"
_FIELDS: Final = (
    *("chainId", "contract", "token", "tokenName", "tokenVersion"),
    *("planId", "payer", "receiver", "quantity", "maxCost", "validAfter", "validBefore", "salt", "signature"),
)


@dataclass(frozen=True, slots=True)
class OrderAuthorization:
    """An order that a payer signs. Make one with `build_order_authorization`.

    The payer authorizes ``max_cost``, in base units of the token. The unused part returns to the payer in the same
    transaction. The order is valid after the Unix second ``valid_after`` and before the Unix second ``valid_before``.
    ``salt`` has 32 bytes, and distinguishes orders that are equal otherwise.
    """

    plan_id: PlanId
    payer: ChecksumAddress
    receiver: ChecksumAddress
    quantity: Quantity
    max_cost: Money
    valid_after: Time
    valid_before: Time
    salt: bytes

    def __post_init__(self) -> None:
        """Check the fields, because the order's nonce is a hash of them. Raises an InputError."""
        check_address(self.payer, "payer address")
        check_address(self.receiver, "receiver address")
        for value, name in (
            (self.plan_id, "plan id"),
            (self.quantity, "quantity"),
            (self.max_cost, "max cost"),
            (self.valid_after, "valid after"),
            (self.valid_before, "valid before"),
        ):
            check_uint(value, 256, name)
        check_bytes32(self.salt, "salt")


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """A signed order: the order, the domain of the token, the address of Credits, and the payer's signature."""

    order: OrderAuthorization
    token: Domain
    contract: ChecksumAddress
    signature: bytes

    def to_json(self) -> str:
        """Write the signed order as JSON on one line, in ASCII."""
        order, token = self.order, self.token
        fields: dict[str, int | str | bytes] = {
            "chainId": token.chain_id,
            "contract": self.contract,
            "token": token.address,
            "tokenName": token.name,
            "tokenVersion": token.version,
            "planId": order.plan_id,
            "payer": order.payer,
            "receiver": order.receiver,
            "quantity": order.quantity,
            "maxCost": order.max_cost,
            "validAfter": order.valid_after,
            "validBefore": order.valid_before,
            "salt": order.salt,
            "signature": self.signature,
        }
        return format_message(MESSAGE_TYPE, fields)

    @classmethod
    def from_json(cls, text: str) -> "SignedOrder":
        """Read the JSON of `to_json`. Raises InvalidMessage for any other text. The signature is not checked."""
        reader = MessageReader(text, kind=MESSAGE_TYPE, noun=_NOUN, names=_FIELDS)
        order = OrderAuthorization(
            plan_id=reader.read_uint("planId", 256),
            payer=reader.read_address("payer"),
            receiver=reader.read_address("receiver"),
            quantity=reader.read_uint("quantity", 256),
            max_cost=reader.read_uint("maxCost", 256),
            valid_after=reader.read_uint("validAfter", 256),
            valid_before=reader.read_uint("validBefore", 256),
            salt=reader.read_bytes("salt", SALT_BYTES),
        )
        try:
            name, version = reader.read_text("tokenName"), reader.read_text("tokenVersion")
            token = Domain(name, version, reader.read_uint("chainId", 256), reader.read_address("token"))
        except InvalidConfig as error:
            raise InvalidMessage(_NOUN, error.reason) from None
        return cls(order, token, reader.read_address("contract"), reader.read_bytes("signature"))


def build_order_authorization(
    plan_id: int | str,
    *,
    payer: str,
    max_cost: int,
    valid_before: int,
    receiver: str | None = None,
    quantity: int = 1,
    valid_after: int = 0,
    salt: bytes | None = None,
) -> OrderAuthorization:
    """Build an order for the payer to sign. No network.

    Args:
        plan_id: The plan's id, as an int, text or DID.
        payer: The address that pays and signs.
        max_cost: The authorized amount, in base units of the token.
        valid_before: The Unix second before which the order is valid.
        receiver: The address that gets the credits. The payer's address if not given.
        quantity: The number of purchases, at least 1.
        valid_after: The Unix second after which the order is valid.
        salt: 32 bytes that distinguish orders that are equal otherwise. Random if not given.

    Raises:
        InvalidPlanId: The plan id is malformed.
        InvalidAddress: An address is malformed or zero.
        InvalidAmount: A number is out of range.
        InvalidConfig: There is no second between ``valid_after`` and ``valid_before``, or the salt is not 32 bytes.

    >>> bob = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    >>> build_order_authorization(255, payer=bob, max_cost=20_000_000, valid_before=1_800_000_000).quantity
    1
    """
    check_uint(valid_before, 256, "valid before")
    if valid_before - check_uint(valid_after, 256, "valid after") < 2:
        raise InvalidConfig(f"an order after {valid_after} and before {valid_before} would never be valid")
    paying = parse_address(payer, "payer address")
    return OrderAuthorization(
        plan_id=parse_plan_id(plan_id),
        payer=paying,
        receiver=paying if receiver is None else parse_address(receiver, "receiver address"),
        quantity=check_uint(quantity, 256, "quantity", minimum=1),
        max_cost=max_cost,
        valid_after=valid_after,
        valid_before=valid_before,
        salt=secrets.token_bytes(SALT_BYTES) if salt is None else salt,
    )


def authorization_nonce(order: OrderAuthorization, *, chain_id: int, contract: str) -> bytes:
    """Return the nonce of an order's authorization, 32 bytes.

    The nonce is the keccak-256 hash of the ABI encoding of (chain id, contract, plan id, payer, receiver, quantity,
    max cost, salt).
    """
    check_uint(chain_id, 256, "chain id")
    where: tuple[Value, ...] = (chain_id, parse_address(contract, "contract address"))
    paid = (order.plan_id, order.payer, order.receiver, order.quantity, order.max_cost, order.salt)
    return keccak(b"".join(map(encode_word, where + paid)))


def authorization_digest(order: OrderAuthorization, *, token: Domain, contract: str) -> bytes:
    """Return the 32 bytes that the payer signs. ``token`` is the EIP-712 domain of the token."""
    return hash_message(token.separator, RECEIVE_WITH_AUTHORIZATION.hash(_authorization(order, token, contract)))


def _authorization(order: OrderAuthorization, token: Domain, contract: str) -> tuple[Value, ...]:
    nonce = authorization_nonce(order, chain_id=token.chain_id, contract=contract)
    credits_address = parse_address(contract, "contract address")
    return (order.payer, credits_address, order.max_cost, order.valid_after, order.valid_before, nonce)


def sign_order(signer: MessageSigner, order: OrderAuthorization, *, token: Domain, contract: str) -> SignedOrder:
    """Sign an order as its payer. No network.

    Anyone who has the result can make the order once, for at most ``max_cost``. For a contract wallet, give its signer
    from `nvm_chain.signing.wallets`.

    Raises:
        InvalidConfig: The signer is not the payer.
    """
    check_signer(signer)
    if signer.address != order.payer:
        raise InvalidConfig(
            f"the payer {order.payer} has to sign this order, not {signer.address}",
            "sign with its own account, or with a wallet signer such as `SafeSigner` if it is a contract wallet",
        )
    values = _authorization(order, token, contract)
    signature = sign_struct(signer, token, RECEIVE_WITH_AUTHORIZATION, values)
    return SignedOrder(order, token, parse_address(contract, "contract address"), signature)


def verify_order(
    signed: SignedOrder,
    *,
    token: Domain,
    contract: str,
    now: int | None = None,
    ask_chain: AskChain | None = None,
) -> OrderAuthorization:
    """Return the order if its payer signed it for this token and contract, and the order is valid now.

    The payer's balance, the price, and an earlier use or cancellation are not checked, because only the chain knows
    them. No network without ``ask_chain``.

    Args:
        signed: The signed order to verify.
        token: The domain of the token, from a source that you trust.
        contract: The address of Credits, from a source that you trust.
        now: The time of the check, as a Unix second. This machine's clock if not given.
        ask_chain: A function that asks a contract wallet whether it accepts the signature (ERC-1271).

    Raises:
        AuthorizationMismatch: The order is for another chain, token or contract.
        AuthorizationNotYetValid: The order is not valid yet.
        AuthorizationExpired: The order has expired.
        SignatureNeedsChain: Only a contract wallet can check the signature, and ``ask_chain`` is not given.
        AuthorizationSignatureInvalid: The payer did not sign the order.
    """
    order, expected = signed.order, parse_address(contract, "contract address")
    _compare_domains(signed.token, token)
    if signed.contract != expected:
        raise AuthorizationMismatch("contract", expected, signed.contract)
    now = int(time.time()) if now is None else now
    if now <= order.valid_after:
        raise AuthorizationNotYetValid(order.valid_after, now)
    if now >= order.valid_before:
        raise AuthorizationExpired(order.valid_before, now)
    digest = authorization_digest(order, token=token, contract=expected)
    if not is_signed_by(order.payer, digest, signed.signature, ask_chain):
        error = AuthorizationSignatureInvalid(order.payer, recover_signer(digest, signed.signature))
        raise error if ask_chain is None else error.explain(*REFUSED)
    return order


def _compare_domains(signed: Domain, expected: Domain) -> None:
    """Raise AuthorizationMismatch for the first difference. Another chain or token explains other differences too."""
    for field, own, wanted in (
        ("chain id", signed.chain_id, expected.chain_id),
        ("token", signed.address, expected.address),
        ("token name", signed.name, expected.name),
        ("token version", signed.version, expected.version),
    ):
        if own != wanted:
            raise AuthorizationMismatch(field, wanted, own)
