"""What a program without the extra is told, and what does not need the extra."""

import subprocess
import sys

import pytest


def run_without(module: str, program: str) -> str:
    """Run a program in an interpreter that does not have a module, and return what it prints."""
    source = f"import sys; sys.modules[{module!r}] = None\n{program}"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.mark.parametrize("name", ["requests_adapter", "httpx_transports", "buyer", "payment", "flow", "credentials"])
@pytest.mark.parametrize("module", ["msgspec", "httpx"])
def test_client__without_its_extra__says_what_to_install(module: str, name: str) -> None:
    program = (
        "from nvm_chain.errors import MissingExtra\n"
        f"try:\n    import nvm_chain.client.{name}\nexcept MissingExtra as error:\n    print(error.extra)"
    )
    needs = module == "msgspec" or name == "httpx_transports"
    assert run_without(module, program) == ("client\n" if needs else "")


def test_ceilings__without_the_extra__are_there() -> None:
    program = "from nvm_chain.client.ceilings import MemoryCeilings\nprint(MemoryCeilings().sum_signed())"
    assert run_without("msgspec", program) == "0\n"
