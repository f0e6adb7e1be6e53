"""Writes the file of the modules that a start needs, and what reads it (start.py).

Run where the image is built, with the image's Python: it starts the handler on the model as Lambda
does, asks it for one prediction, and notes which modules of ours were imported, in the order in
which they were done. What an answer needs later, or another model, is not among them and is
imported as ever. The handler itself is left out, for to import it is to load the model.

    python merge.py <folder of the code> <the same folder where it will run> <the bundle>
"""

import __future__

import ast
import contextlib
import io
import json
import marshal
import os
import py_compile
import shutil
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

HANDLER = "serving.app.handler"
# What is left of annotations stays text, without a `from __future__ import` at each start.
ANNOTATIONS = __future__.annotations.compiler_flag


def main(root: Path, task: str, bundle: str) -> None:
    """Write the file.

    Raises:
        SystemExit: The handler does not answer.
    """
    if json.loads(Path(bundle, "manifest.json").read_bytes())["engine"] != "frozen":
        return  # a builder without BuildKit makes this stage for the other engine, too
    os.environ |= {"QUICKTHAW_BUNDLE": bundle, "AWS_EMF_ENVIRONMENT": "Local"}
    sys.path.insert(0, str(root))
    names = [
        name for name in list_imported(bundle) if name.startswith("serving.") and name != HANDLER
    ]
    parts = [read_module(root, task, name) for name in names]
    file = root / "serving" / f"start.{sys.implementation.cache_tag}"
    file.write_bytes(marshal.dumps(parts))
    package = root / "serving/__init__.py"
    shutil.copyfile(Path(__file__).with_name("start.py"), package)
    # As all other modules are compiled there (Dockerfile).
    py_compile.compile(
        str(package), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )


def list_imported(bundle: str) -> list[str]:
    """The modules that the handler's start and one answer import, those that others need first.

    Raises:
        SystemExit: The answer is no prediction.
    """
    done = []
    run = SourceFileLoader.exec_module

    def exec_module(loader: SourceFileLoader, module: ModuleType) -> None:
        run(loader, module)
        done.append(module.__name__)

    SourceFileLoader.exec_module = exec_module  # type: ignore[assignment, method-assign]
    try:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            answer = ask(bundle)
    finally:
        SourceFileLoader.exec_module = run  # type: ignore[method-assign]
    if answer["statusCode"] != 200:  # noqa: PLR2004
        sys.exit(f"error: the handler does not predict: {answer['body']} {said.getvalue()}")
    return done


def ask(bundle: str) -> dict[str, Any]:
    """Start the handler as Lambda does, by its name, and post it the model's example."""
    handler = import_module(HANDLER)
    # Of what a start has imported, both: they add nothing.
    from serving.bundle.inputs import make_example  # noqa: PLC0415
    from serving.bundle.manifest import read_manifest  # noqa: PLC0415

    body = make_example(read_manifest(bundle).input)
    event = {
        "httpMethod": "POST",
        "path": "/predict",
        "headers": {"Content-Type": "application/json"},
        "requestContext": {"path": "/predict", "stage": "live"},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = handler.lambda_handler(event, None)
    return answer


class _Bare(ast.NodeTransformer):
    """Takes from a module what only people and mypy read: to unmarshal it takes its time, too."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        names = [one.name for one in node.names]
        return None if (node.module, names) == ("__future__", ["annotations"]) else node

    def visit_If(self, node: ast.If) -> Any:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node.orelse or ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)


def read_module(root: Path, task: str, name: str) -> tuple[str, str, CodeType]:
    """A module's name, its folder if it is a package, and its code, as of where it will be."""
    path = name.replace(".", "/")
    is_package = (root / path).is_dir()
    file = f"{path}/__init__.py" if is_package else f"{path}.py"
    tree = _Bare().visit(ast.parse((root / file).read_bytes()))
    code = compile(tree, f"{task}/{file}", "exec", ANNOTATIONS, dont_inherit=True, optimize=2)
    return name, f"{task}/{path}" if is_package else "", code


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2].rstrip("/"), sys.argv[3])
