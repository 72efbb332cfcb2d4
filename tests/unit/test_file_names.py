"""file_names: names of strangers are taken as they are, or refused."""

import pytest

from nvm_chain.errors import UnsafeFileName
from nvm_chain.storage.file_names import MAX_NAME_BYTES, safe_file_name
from tests.support.reverts import reverts


@pytest.mark.parametrize(
    "name",
    [
        "weights.bin",
        "a",
        "Résumé – 2026 (final).tar.gz",
        "模型.safetensors",
        "a..b",
        "console.log",
        "com10.txt",
        "communication",
        "nul-values.csv",
        "a" * MAX_NAME_BYTES,
        "é" * (MAX_NAME_BYTES // 2),
    ],
)
def test_safe_file_name__of_an_ordinary_name__is_the_name(name: str) -> None:
    assert safe_file_name(name) == name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "it is empty, or begins or ends with a space"),
        (" a", "it is empty, or begins or ends with a space"),
        ("a ", "it is empty, or begins or ends with a space"),
        ("\u3000a", "it is empty, or begins or ends with a space"),
        (".", "it begins or ends with a dot"),
        ("..", "it begins or ends with a dot"),
        (".bashrc", "it begins or ends with a dot"),
        ("a.", "it begins or ends with a dot"),
        ("/etc/passwd", "it has '/' in it"),
        ("../a", "it has '/' in it"),
        ("..\\a", "it has '\\\\' in it"),
        ("C:a", "it has ':' in it"),
        ("a?b", "it has '?' in it"),
        ("a\x00b", "it has the invisible character U+0000 in it"),
        ("a\nb", "it has the invisible character U+000A in it"),
        ("a\x7f", "it has the invisible character U+007F in it"),
        ("a\x9bb", "it has the invisible character U+009B in it"),
        ("gpj\u202eexe.a", "it has the invisible character U+202E in it"),
        ("a\u2067b", "it has the invisible character U+2067 in it"),
        ("a\u200bb", "it has the invisible character U+200B in it"),
        ("a\u2028b", "it has the invisible character U+2028 in it"),
        ("a\ud800", "it has the invisible character U+D800 in it"),
        ("a\ue000", "it has the invisible character U+E000 in it"),
        ("a" * (MAX_NAME_BYTES + 1), "it is longer than 200 bytes"),
        ("é" * (MAX_NAME_BYTES // 2) + "a", "it is longer than 200 bytes"),
        *[
            (name, "Windows has a device of that name")
            for name in ("CON", "nul.txt", "Aux.tar.gz", "lpt9", "com¹.a", "PRN .a")
        ],
    ],
)
def test_safe_file_name__of_a_name_that_does_harm__is_refused(name: str, problem: str) -> None:
    with reverts(UnsafeFileName(name, problem)):
        safe_file_name(name)
    assert str(UnsafeFileName(name, problem)).isprintable()
