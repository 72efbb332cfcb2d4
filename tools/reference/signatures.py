"""Signatures of the reference, from the source, in one line or with one line per parameter."""

import ast
from typing import Final

from tools.reference.names import Function, find_method, is_told, list_bases

LINE_LENGTH: Final = 100


def format_annotation(node: ast.expr | None) -> str:
    """Format an annotation without the quotation marks of a forward reference."""
    if node is None:
        return ""
    return str(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else ast.unparse(node)


def format_argument(argument: ast.arg, default: ast.expr | None, stars: str = "") -> str:
    """Format one parameter.

    >>> [format_argument(ast.arg("price", ast.Name("int")), ast.Constant(0)), format_argument(ast.arg("args"), None, "*")]
    ['price: int = 0', '*args']
    """
    annotated = f"{stars}{argument.arg}" + (
        f": {format_annotation(argument.annotation)}" if argument.annotation else ""
    )
    if default is None:
        return annotated
    return f"{annotated} = {format_value(default)}" if argument.annotation else f"{annotated}={format_value(default)}"


def format_value(node: ast.expr) -> str:
    """Format a value as in the source, with text in double quotes.

    >>> format_value(ast.Constant("embedded"))
    '"embedded"'
    """
    text = ast.unparse(node)
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and '"' not in text
    return f'"{text[1:-1]}"' if is_text else text


def list_arguments(node: Function) -> list[str]:
    """Return the parameters of a function, without the first parameter of a method."""
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*[None] * (len(plain) - len(given.defaults)), *given.defaults]
    written = [format_argument(argument, default) for argument, default in zip(plain, defaults, strict=True)]
    if given.posonlyargs:
        written.insert(len(given.posonlyargs), "/")
    if given.vararg:
        written.append(format_argument(given.vararg, None, "*"))
    elif given.kwonlyargs:
        written.append("*")
    written += [
        format_argument(argument, default)
        for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    if given.kwarg:
        written.append(format_argument(given.kwarg, None, "**"))
    return written[1:] if plain and plain[0].arg in ("self", "cls") else written


def format_call(head: str, arguments: list[str], result: str = "") -> str:
    """Format a call in one line. A long call gets one line for each parameter.

    >>> format_call("def add", ["a: int", "b: int"], "int")
    'def add(a: int, b: int) -> int'
    """
    tail = f" -> {result}" if result else ""
    line = f"{head}({', '.join(arguments)}){tail}"
    if len(line) <= LINE_LENGTH:
        return line
    return "\n".join([f"{head}(", *(f"    {argument}," for argument in arguments), f"){tail}"]).replace(
        "    /,", "    /,"
    )


def format_decorators(node: Function | ast.ClassDef) -> list[str]:
    """Return the decorators that matter to a caller, such as dataclass and property."""
    known = (
        "dataclass",
        "property",
        "cached_property",
        "classmethod",
        "staticmethod",
        "contextmanager",
        "runtime_checkable",
    )
    written = [ast.unparse(decorator) for decorator in node.decorator_list]
    return [f"@{text}" for text in written if text.partition("(")[0] in known]


def format_signature(node: Function | ast.ClassDef) -> str:
    """Format the signature of a function or a class as a code block."""
    if isinstance(node, ast.ClassDef):
        hidden = {base.name for base in list_bases(node) if not is_told(base)}
        bases = [text for text in map(ast.unparse, node.bases) if text not in hidden]
        lines = [*format_decorators(node), f"class {node.name}" + (f"({', '.join(bases)})" if bases else "")]
        made = find_method(node, "__init__")
        lines += [format_call(node.name, list_arguments(made))] if made else []
    else:
        head = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        call = format_call(f"{head} {node.name}", list_arguments(node), format_annotation(node.returns))
        lines = [*format_decorators(node), call]
    return fence("py", "\n".join(lines))


def fence(kind: str, text: str) -> str:
    """Return a text as a code block."""
    return f"```{kind}\n{text}\n```"
