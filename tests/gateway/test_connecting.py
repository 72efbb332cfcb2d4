"""The chain of a gateway and its redeemer's key, as the configuration names them."""

import json
import shutil
from pathlib import Path

import pytest
from eth_account import Account

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidConfig, KeyFailure, NoDeployment, WrongChain
from nvm_chain.gateway.config import open_secrets, read_config
from nvm_chain.gateway.configuration.parts import GatewayConfig
from nvm_chain.gateway.connecting import PASSWORD_VARIABLE, open_chain, read_redeemer
from tests.gateway.files import CANARY, change, seal, start_text, write_config
from tests.support.world import World

KEY = "0x" + "5a" * 32
ADDRESS = Account.from_key(KEY).address


def configure(folder: Path, redeemer: str) -> GatewayConfig:
    """Return a configuration with a redeemer."""
    return read_config(write_config(folder, change(start_text(), "dev_account = 3", redeemer)))


def write_keyfile(folder: Path) -> None:
    """Write a key file whose password is the canary."""
    content = Account.encrypt(bytes.fromhex(KEY[2:]), CANARY, kdf="pbkdf2", iterations=2)
    (folder / "redeemer.json").write_text(json.dumps(content))


def test_read_redeemer__of_a_development_account__is_that_account(world: World, tmp_path: Path) -> None:
    config = configure(tmp_path, "dev_account = 4")
    assert read_redeemer(config, open_secrets(config), world.chain).address == world.redeemer.address


def test_read_redeemer__of_a_development_account_elsewhere__is_refused(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.chain, "accounts", ())
    config = configure(tmp_path, "dev_account = 4")
    with pytest.raises(KeyFailure, match=r"not a development chain.*`keyfile`"):
        read_redeemer(config, open_secrets(config), world.chain)


def test_read_redeemer__of_a_variable__reads_the_key_there(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(tmp_path, 'key_env = "NVM_TEST_REDEEMER"')
    with pytest.raises(KeyFailure, match="NVM_TEST_REDEEMER: it is not set"):
        read_redeemer(config, open_secrets(config), world.chain)
    monkeypatch.setenv("NVM_TEST_REDEEMER", KEY)
    assert read_redeemer(config, open_secrets(config), world.chain).address == ADDRESS


@pytest.mark.parametrize("password", ['password = "sealed:redeemer"', 'password = "file:password.txt"', ""])
def test_read_redeemer__of_a_key_file__takes_its_password_from_where_the_file_says(
    world: World, tmp_path: Path, password: str
) -> None:
    write_keyfile(tmp_path)
    seal(tmp_path, redeemer=CANARY)
    (tmp_path / "password.txt").write_text(f"{CANARY}\n")
    config = configure(tmp_path, f'keyfile = "redeemer.json"\n{password}')
    environment = {PASSWORD_VARIABLE: "wrong" if password else CANARY}
    assert read_redeemer(config, open_secrets(config), world.chain, environment).address == ADDRESS


def test_read_redeemer__with_a_wrong_password__does_not_show_it(world: World, tmp_path: Path) -> None:
    write_keyfile(tmp_path)
    config = configure(tmp_path, 'keyfile = "redeemer.json"')
    with pytest.raises(KeyFailure, match="the password is wrong") as caught:
        read_redeemer(config, open_secrets(config), world.chain, {PASSWORD_VARIABLE: f"{CANARY}x"})
    assert CANARY not in f"{caught.value}{caught.value!r}"
    with pytest.raises(KeyFailure, match="it needs a password"):
        read_redeemer(config, open_secrets(config), world.chain, {})


@pytest.mark.parametrize(
    ("name", "error"), [("none.json", KeyFailure), ("sealed:x", KeyFailure), ("gateway.toml", KeyFailure)]
)
def test_read_redeemer__of_something_that_is_not_a_key_file__is_refused(
    world: World, tmp_path: Path, name: str, error: type[Exception]
) -> None:
    config = configure(tmp_path, f'keyfile = "{name}"')
    with pytest.raises(error):
        read_redeemer(config, open_secrets(config), world.chain, {PASSWORD_VARIABLE: CANARY})


def test_read_redeemer__whose_password_is_not_sealed__says_the_command(world: World, tmp_path: Path) -> None:
    write_keyfile(tmp_path)
    seal(tmp_path)
    config = configure(tmp_path, 'keyfile = "redeemer.json"\npassword = "sealed:redeemer"')
    with pytest.raises(InvalidConfig, match="nvm-chain gateway secret set redeemer"):
        read_redeemer(config, open_secrets(config), world.chain)


def test_open_chain__with_the_contracts_addresses__finds_them(anvil_chain: Chain, tmp_path: Path) -> None:
    text = change(start_text(), 'rpc = "http://127.0.0.1:8545"', f'rpc = "{anvil_chain.label}"')
    chain = open_chain(read_config(write_config(tmp_path, text)))
    with pytest.raises(NoDeployment):
        _ = chain.credits
    text = change(text, '# credits = "0x…"', f'credits = "{anvil_chain.credits.address}"')
    text = change(text, '# agents = "0x…"', f'agents = "{anvil_chain.agents.address}"')
    chain = open_chain(read_config(write_config(tmp_path, text)))
    assert (chain.credits.address, chain.agents.address) == (anvil_chain.credits.address, anvil_chain.agents.address)
    text = change(text, "# chain_id = 8453", "chain_id = 8453")
    with pytest.raises(WrongChain):
        open_chain(read_config(write_config(tmp_path, text)))


def test_open_chain__with_records_beside_the_file__reads_them_from_any_folder(
    anvil_chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {
        "chain_id": anvil_chain.chain_id,
        "address": anvil_chain.credits.address,
        "method": "CREATE",
        "salt": None,
        "block_number": None,
        "transaction_hash": None,
        "deployer": None,
        "constructor_arguments": {},
        "compiler": {},
        "runtime_code_hash": "0x" + "00" * 32,
    }
    (tmp_path / "shop" / "deployments").mkdir(parents=True)
    (tmp_path / "shop" / "deployments" / f"{anvil_chain.chain_id}.json").write_text(json.dumps(record))
    monkeypatch.chdir(tmp_path)
    text = change(start_text(), 'rpc = "http://127.0.0.1:8545"', f'rpc = "{anvil_chain.label}"')
    config = read_config(write_config(tmp_path / "shop", text))
    assert open_chain(config).credits.address == anvil_chain.credits.address
    shutil.move(tmp_path / "shop" / "deployments", tmp_path / "shop" / "records")
    named = change(text, '# deployments = "deployments"', 'deployments = "records"')
    assert (
        open_chain(read_config(write_config(tmp_path / "shop", named))).credits.address == anvil_chain.credits.address
    )
