"""What a program without the extra is told, and that the package stays light."""

import subprocess
import sys

import pytest


def run(program: str) -> str:
    """Run a program in an interpreter of its own, and return what it prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["plugin", "requests_session", "httpx_client", "signing_in"])
def test_plug_in__without_the_official_package__says_what_to_install(name: str) -> None:
    program = (
        "import sys; sys.modules['x402'] = None\n"
        "from nvm_chain.errors import MissingExtra\n"
        f"try:\n    import nvm_chain.integrations.x402.{name}\nexcept MissingExtra as error:\n"
        "    print(error.extra, 'nvm-chain[x402]' in str(error))"
    )
    assert run(program) == "x402 True"


def test_package__does_not_load_the_official_one() -> None:
    program = "import sys\nimport nvm_chain\nimport nvm_chain.client.buyer\nprint('x402' in sys.modules)"
    assert run(program) == "False"
