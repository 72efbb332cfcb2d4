"""Answers of charges: their headers stay small, and each error has the protocol's word."""

import pytest

from nvm_chain import errors
from nvm_chain.gateway.mpp.telling import add_challenges, find_problem, is_open
from nvm_chain.gateway.refusals import Refusal
from nvm_chain.mpp.challenges import Challenge, build_challenge
from nvm_chain.mpp.charges import describe_charge
from nvm_chain.signing.eip712 import Domain
from nvm_chain.types.addresses import parse_address

TOKEN = Domain("USDC", "2", 8453, parse_address("0x" + "11" * 20, "token"))
PAYEE = parse_address("0x" + "22" * 20, "payee")
NAME = "0x" + "ab" * 32


def build(index: int) -> Challenge:
    """Return a challenge as large as any."""
    request, opaque = (
        describe_charge(TOKEN, 2**255 + index, PAYEE),
        {"plan": str(2**255), "resource": f"sha-256:{'0' * 64}"},
    )
    realm, digest = "gateway.example.com", f"sha-256=:{'A' * 43}=:"
    return build_challenge(b"key", realm=realm, request=request, expires=1, digest=digest, opaque=opaque)


@pytest.mark.parametrize(("used", "least"), [(0, 6), (4_000, 3), (6_000, 1), (7_000, 1)])
def test_headers__of_an_answer_with_many_challenges__stay_below_8_kb(used: int, least: int) -> None:
    challenges = [build(index) for index in range(20)]
    refusal = Refusal(402, [(b"payment-required", b"x" * used)], b"{}")
    add_challenges(refusal, challenges)
    written = [value.decode() for name, value in refusal.headers if name == b"www-authenticate"]
    assert written == [challenge.write() for challenge in challenges[: len(written)]]
    assert least <= len(written) < 20
    assert sum(len(name) + len(value) + 4 for name, value in refusal.headers) < 8_000


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (errors.MethodNotTaken("tempo", "charge"), ("method-unsupported", 400)),
        (errors.ChallengeRefused("it is over"), ("invalid-challenge", 402)),
        (errors.InvalidMessage("credential", "it is not JSON"), ("malformed-credential", 402)),
        (errors.TransferMismatch("value", 2, 1), ("verification-failed", 402)),
        (errors.PaymentServed(NAME, NAME), ("verification-failed", 403)),
        (errors.PaymentForOther(NAME), ("verification-failed", 403)),
        (errors.PaymentNotMade(NAME, "it has expired"), ("verification-failed", 403)),
        (errors.MeterClosed(), None),
    ],
)
def test_problem__of_an_error__is_the_protocols(error: errors.NvmChainError, problem: tuple[str, int] | None) -> None:
    assert find_problem(error) == problem
    assert not is_open(error)


@pytest.mark.parametrize(
    "error",
    [errors.PaymentUnderWay(NAME, NAME), errors.PaymentServing(NAME), errors.PaymentByHand(NAME, "it was replaced")],
)
def test_error__of_a_payment_that_may_have_moved_money__never_asks_for_another(error: errors.PaymentClaimed) -> None:
    assert is_open(error)
