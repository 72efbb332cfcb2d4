"""Arguments of a wrong kind: a typed error that names the parameter, before anything is sent."""

import inspect
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NewType

import pytest
from eth_account import Account

import nvm_chain as nvm
from nvm_chain.errors import InputError, InvalidAddress, InvalidArgument, InvalidPlanId
from nvm_chain.operations import plans
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.checked_calls import check_arguments, read_kinds
from nvm_chain.types.plans import PlanState, Terms, build_terms
from nvm_chain.types.receipts import Transaction
from tests.support.reverts import reverts

ADDRESS = parse_address("0x" + "12" * 20)
PRICE = nvm.get_erc20_price_config(20_000_000, ADDRESS, ADDRESS)
CREDITS = nvm.get_fixed_credits_config(100)
VOUCHER = SignedVoucher(Voucher(7, ADDRESS, ADDRESS, 3, bytes(32), 10**10), b"")


class Fake:
    """A stand-in for an object, as tests of other projects have it. It is not judged."""


UNUSED: Any = Fake()


def call(function: Any, *arguments: Any, **named: Any) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        function(*arguments, **named)
    assert isinstance(caught.value, InputError | TypeError)
    return caught.value


# ---------------------------------------------------------------------- classes


def test_register_plan__with_its_configs_in_the_wrong_order__says_so() -> None:
    error = call(nvm.register_plan, UNUSED, UNUSED, CREDITS, PRICE)
    assert error.args == (
        "register_plan",
        "price",
        "a CreditsConfig",
        "exchange `price` and `credits`: they are in the wrong order",
    )


@pytest.mark.parametrize("wrong", ["20 USDC", 20, None, 1.5, [PRICE], CREDITS, b"x"])
def test_register_plan__with_another_price__names_what_to_give(wrong: Any) -> None:
    error = call(nvm.register_plan, UNUSED, UNUSED, wrong, CREDITS)
    assert error.parameter == "price"
    assert error.next_step == "Give a PriceConfig, such as from `get_erc20_price_config`."


def test_register_plan__with_keywords__is_checked_too() -> None:
    assert call(nvm.register_plan, chain=UNUSED, signer=UNUSED, price=CREDITS, credits=CREDITS).parameter == "price"


@pytest.mark.parametrize("wrong", [None, "http://127.0.0.1:8545", 7, PRICE])
def test_read_balance__without_a_chain__says_where_one_comes_from(wrong: Any) -> None:
    error = call(nvm.read_balance, wrong, 7, ADDRESS)
    assert (error.parameter, error.next_step) == ("chain", "Give a Chain, from `connect`.")


def test_checked_call__with_an_object_of_another_library__leaves_it_to_the_function() -> None:
    with pytest.raises(AttributeError, match="Fake"):
        nvm.read_balance(UNUSED, 7, ADDRESS)


def test_checked_call__of_a_wrong_argument__does_not_show_its_value() -> None:
    key = "0x" + "5e" * 32
    assert "5e5e" not in repr(call(nvm.read_balance, key, 7, ADDRESS).to_dict())


# ---------------------------------------------------------------------- sequences


def test_settle_vouchers__with_one_voucher__asks_for_a_list() -> None:
    error = call(nvm.settle_vouchers, UNUSED, UNUSED, 7, VOUCHER)
    assert error.problem == "settle_vouchers() got a SignedVoucher as the argument items."
    assert error.next_step == "Give a list, even for one item: `items=[…]`."


def test_settle_vouchers__with_one_item_of_another_kind__names_it() -> None:
    error = call(nvm.settle_vouchers, UNUSED, UNUSED, 7, [VOUCHER, "x"])
    assert error.problem == "settle_vouchers() got a list with a str in it as the argument items."
    assert error.next_step == "Give a list of SignedVoucher or HolderTotal."


@pytest.mark.parametrize("wrong", ["0x12", 7, b"12", None])
def test_read_plans__of_what_is_no_list__asks_for_one(wrong: Any) -> None:
    assert call(nvm.read_plans, UNUSED, wrong).next_step.startswith("Give a list")


@pytest.mark.parametrize("wrong", ["0x12", ADDRESS, 7, ["0x12"], [(ADDRESS,)], [(ADDRESS, 1, 2)]])
def test_mint_credits_batch__of_what_are_no_pairs__asks_for_pairs(wrong: Any) -> None:
    assert call(nvm.mint_credits_batch, UNUSED, UNUSED, 7, wrong).next_step == "Give a list of pairs, or a dict."


@pytest.mark.parametrize("good", [[(ADDRESS, 1)], ((ADDRESS, 1),), {ADDRESS: 1}, iter([(ADDRESS, 1)])])
def test_get_split_price_config__with_pairs_of_any_form__takes_them(good: Any) -> None:
    assert nvm.get_split_price_config(ADDRESS, good).total == 1


# ---------------------------------------------------------------------- numbers and texts


def test_look_up_transaction__with_a_transaction__asks_for_text() -> None:
    transaction = Transaction("0x" + "11" * 32, 1, 21_000, 1)
    assert call(nvm.look_up_transaction, UNUSED, transaction).parameter == "transaction_hash"


def test_checked_call__that_fails_with_right_arguments__raises_what_the_function_raises() -> None:
    def divide(number: int, plan: PlanState | None = None) -> int:
        raise TypeError("a fault of the function")

    with pytest.raises(TypeError, match="a fault of the function"):
        check_arguments(divide)(7)


def test_checked_call__that_fails_with_a_typed_error__keeps_it() -> None:
    def refuse(number: int) -> None:
        raise InvalidArgument("another", "number", "a str", "give an int")

    with reverts(InvalidArgument("another", "number", "a str", "give an int")):
        check_arguments(refuse)("7")  # type: ignore[arg-type]


def test_checked_call__with_an_unknown_parameter__raises_as_any_call_does() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        nvm.read_balance(None, 7, ADDRESS, colour="red")  # type: ignore[call-arg, arg-type]


# ---------------------------------------------------------------------- ids and addresses


def test_plan_in_place_of_its_id__names_the_attribute() -> None:
    plan = PlanState(7, build_terms(PRICE, CREDITS), ADDRESS, None, True, 0)
    with pytest.raises(InvalidPlanId) as caught:
        nvm.read_plan(UNUSED, plan)  # type: ignore[arg-type]
    assert caught.value.next_step == "Give its attribute `plan_id`."


def test_account_in_place_of_its_address__names_the_attribute() -> None:
    with pytest.raises(InvalidAddress) as caught:
        nvm.get_erc20_price_config(20_000_000, ADDRESS, Account.create())
    assert caught.value.next_step == "Give its attribute `address`."


@pytest.mark.parametrize("name", ["USDC", "usdc "])
def test_name_of_usdc_in_place_of_its_address__names_where_it_is(name: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        nvm.get_erc20_price_config(20_000_000, name, ADDRESS)
    assert caught.value.next_step == "Give `chain.usdc`, the address of USDC on the chain."


# ---------------------------------------------------------------------- the mechanism


def test_public_functions__checked__are_always_the_same_and_can_be_pickled() -> None:
    assert nvm.register_plan is nvm.register_plan
    assert pickle.loads(pickle.dumps(nvm.register_plan)) is nvm.register_plan
    assert inspect.signature(nvm.register_plan) == inspect.signature(plans.register_plan)
    assert nvm.register_plan.__doc__ == plans.register_plan.__doc__


def test_public_functions__each_that_takes_a_chain__checks_it() -> None:
    functions = {name: getattr(nvm, name) for name in nvm.__all__ if inspect.isfunction(getattr(nvm, name))}
    takes_chain = {name for name, item in functions.items() if "chain" in inspect.signature(item).parameters}
    assert len(takes_chain) > 40
    assert {name for name in takes_chain if not hasattr(functions[name], "__wrapped__")} == set()


Own = NewType("Own", int)


@pytest.mark.parametrize(
    ("annotation", "good", "wrong"),
    [
        (Terms | None, [None], ["x", 7]),
        (Sequence[Terms], [[], ()], [None, "x", 7, ["x"]]),
        (str | Sequence[str], ["x", ["x"]], [None, 7]),
        (Iterable[tuple[str, int]], [[("a", 1)], {}], [["a"], 7]),
        (Mapping[str, int] | Terms, [{}], ["x", None]),
        (list[Any], [[1], ["x"]], [None, "x"]),
        (Own, [7], ["x"]),
        (Callable[[], None] | None, [None, 7, "x"], []),
        (Any, [None, 7, "x"], []),
    ],
    ids=repr,
)
def test_read_kinds__of_an_annotation__fits_what_it_says(annotation: Any, good: list[Any], wrong: list[Any]) -> None:
    def function(value: Any) -> None: ...

    function.__annotations__["value"] = annotation
    kinds = read_kinds(function)
    fits = [kinds["value"].fits(value) if kinds else True for value in (*good, *wrong)]
    assert fits == [True] * len(good) + [False] * len(wrong)


def test_read_kinds__of_annotations_that_cannot_be_read__are_none() -> None:
    def function(value: Any) -> None: ...

    function.__annotations__["value"] = "NotImported"
    assert read_kinds(function) == {}
    assert check_arguments(function) is function


def test_reverts__of_a_checked_call__has_all_its_fields() -> None:
    with reverts(InvalidArgument("read_plan", "chain", "None", "give a Chain, from `connect`")):
        nvm.read_plan(None, 7)  # type: ignore[arg-type]
