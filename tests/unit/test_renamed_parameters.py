"""A parameter's former name is answered with the one that it has, and nothing is sent."""

from collections.abc import Callable
from typing import Any

import pytest

import nvm_chain as nvm
from nvm_chain import payments
from nvm_chain.errors import InputError, RenamedParameter

USDC = "0x" + "11" * 20
SELLER = "0x" + "22" * 20


@pytest.mark.parametrize(
    ("function", "arguments", "was", "advice"),
    [
        (nvm.order_plan, (None, None, 1), {"pay": "permit"}, "Give it as `payment_method`."),
        (nvm.order_plan, (None, None, 1), {"approve": True}, "Give `payment_method='approve'`."),
        (nvm.pay_usage, (None, None, 1), {"pay": "approve"}, "Give it as `payment_method`."),
        (nvm.settle_vouchers, (None, None, 1), {"vouchers": []}, "Give it as `items`."),
        (
            nvm.settle_vouchers,
            (None, None, 1, []),
            {"amounts": [1]},
            "Give `totals`: the total up to which each item is settled, not the amount to add.",
        ),
        (nvm.get_erc20_price_config, (1, USDC), {"receiver_address": SELLER}, "Give it as `receiver`."),
        (payments.get_erc20_price_config, (1, USDC), {"receiver_address": SELLER}, "Give it as `receiver`."),
        (nvm.get_native_token_price_config, (1,), {"receiver_address": SELLER}, "Give it as `receiver`."),
        (payments.get_native_token_price_config, (1,), {"receiver_address": SELLER}, "Give it as `receiver`."),
        (nvm.Payments.order_plan, (None, 1), {"agreement_id": "invoice 7"}, "Give it as `agreementId`."),
        (nvm.Payments.download_file, (None, 1, "."), {"agreementId": "invoice 7"}, "Give it as `agreement_id`."),
        (nvm.get_expirable_duration_config, (), {"duration_seconds": 60}, "Give it as `duration_of_plan`."),
        (payments.get_expirable_duration_config, (), {"duration_seconds": 60}, "Give it as `duration_of_plan`."),
    ],
)
def test_function__with_the_former_name_of_a_parameter__names_the_one_of_today(
    function: Callable[..., Any], arguments: tuple[Any, ...], was: dict[str, Any], advice: str
) -> None:
    with pytest.raises(RenamedParameter) as raised:
        function(*arguments, **was)
    (name,) = was
    assert (raised.value.function, raised.value.was, raised.value.next_step) == (function.__name__, name, advice)
    assert isinstance(raised.value, InputError)
    assert isinstance(raised.value, TypeError)


def test_function__with_a_name_that_no_parameter_had__raises_as_any_call_does() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'payed'") as raised:
        nvm.get_erc20_price_config(1, USDC, SELLER, payed=1)  # type: ignore[call-arg]
    assert not isinstance(raised.value, RenamedParameter)
