"""The shape of the house: who imports whom, how long things are, who prints."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from uvlock2nix.cli import PLAIN
from uvlock2nix.cli.app import COMMANDS, HIDDEN

REPO = Path(__file__).resolve().parents[2]
PACKAGE = REPO / "uvlock2nix"
LINES_OF_MODULE = 350
LINES_OF_FUNCTION = 60
# Longer than that, with the reason.
LONG_MODULES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {
    "uvlock2nix.plan.make_plan": "one value with many fields, each named once",
}
# Every part has a rank; a module imports from parts of its own rank or of lower ones.
RANKS = (
    (
        "",
        "cloning",
        "damage",
        "sparse",
        "endings",
        "first_lines",
        "errors",
        "layout",
        "names",
        "nothing",
        "printable",
        "reading",
        "regex",
        "resources",
        "signals",
        "spelling",
        "temporary",
        "writing",
    ),
    ("nar", "atomic", "nixlang", "nixfile", "cache", "net", "knowledge", "target", "uv_platform"),
    ("lock", "dist"),
    ("artifacts", "inspect", "nixpkgs_index", "pythons"),
    (
        "classify",
        "service",
        "environments",
        "config",
        "flags",
        "digest",
        "build_pins",
        "held_back",
        "wheel_pins",
        "collision_pins",
    ),
    ("fetches", "pins"),
    (
        "deps_files",
        "package_source",
        "scripts",
        "exposed",
        "key",
        "native",
        "local_builds",
        "run_inputs",
        "modes",
        "project_version",
        "python_range",
        "plan",
    ),
    ("emit", "refs", "verify"),
    ("build", "nixrun"),
    ("sync",),
    ("venv",),
    ("app",),
    ("cli", "__main__"),
)
RANK = {name: number for number, names in enumerate(RANKS) for name in names}
# Importing upwards, with the reason.
UPWARDS: dict[str, str] = {}


@lru_cache(maxsize=1)
def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(REPO).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def part(module: str) -> str:
    """``uvlock2nix.lock.parse`` → ``lock``; the package itself is ``""``."""
    return module.split(".")[1] if "." in module else ""


def imports(module: str, tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, anywhere; names of our own modules in full."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in modules() else str(node.module)


def ours(module: str) -> set[str]:
    return {name for name in imports(module, modules()[module]) if name.split(".")[0] == "uvlock2nix"}


def users_of(library: str) -> set[str]:
    return {m for m, tree in modules().items() if any(n.split(".")[0] == library for n in imports(m, tree))}


def test_there_is_something_to_look_at() -> None:
    assert {"uvlock2nix", "uvlock2nix.cli.app", "uvlock2nix.plan", "uvlock2nix.refs.elf"} <= set(modules())


def test_only_cli_imports_click() -> None:
    assert {part(module) for module in users_of("click")} == {"cli"}


def test_only_elf_imports_elftools() -> None:
    assert users_of("elftools") <= {"uvlock2nix.refs.elf"}


def test_no_pattern_is_compiled_at_import() -> None:
    """``uvlock2nix.regex`` compiles when a pattern is used."""
    found = [
        f"{module}:{node.lineno}"
        for module, tree in modules().items()
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile"
    ]
    assert found == []


def test_libraries_are_the_declared_ones() -> None:
    allowed = {"click", "packaging", "requests", "elftools", "tomli", "uvlock2nix", *sys.stdlib_module_names}
    # An extra, imported where it is used; what requests itself raises; what an environment has in addition
    # to lookup.
    special = {
        ("brotli", "uvlock2nix.nixpkgs_index.brotli"),
        ("urllib3", "uvlock2nix.net.client"),
        ("_uvlock2nix_paths", "uvlock2nix.venv.lookup"),
    }
    roots = {(name.split(".")[0], m) for m, tree in modules().items() for name in imports(m, tree)}
    assert {(name, module) for name, module in roots if name not in allowed} == special


def test_every_part_has_a_rank() -> None:
    assert {part(module) for module in modules()} == set(RANK)


def test_imports_go_one_way() -> None:
    wrong = {
        f"{module} -> {other}"
        for module in modules()
        for other in ours(module)
        if RANK[part(other)] > RANK[part(module)]
    }
    assert wrong == set(UPWARDS)


def test_nobody_imports_cli() -> None:
    users = {m for m in modules() for other in ours(m) if part(other) == "cli" and part(m) != "cli"}
    assert users == {"uvlock2nix.__main__"}


def test_commands_do_not_import_each_other() -> None:
    names = {module for module, _ in (COMMANDS | HIDDEN).values()} | set(PLAIN)
    commands = {f"uvlock2nix.cli.{module}" for module in names}
    assert commands <= set(modules())
    importers = {f"{module} -> {other}" for module in modules() for other in ours(module) & commands}
    assert importers == set()


def test_nothing_writes_the_environment() -> None:
    """What a program needs to know it gets as a value, or in the environment of the call."""
    writers = set()
    for module, tree in modules().items():
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else ()
            written = [one.value for one in targets if isinstance(one, ast.Subscript)]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr in ("update", "setdefault", "pop", "clear"):
                    written.append(node.func.value)
                elif ast.unparse(node.func) in ("os.putenv", "os.unsetenv"):
                    writers.add(module)
            writers |= {module for one in written if ast.unparse(one) == "os.environ"}
    # Part of users' programs, not of ours: for as long as a library reads a variable once (`gi`).
    assert writers == {"uvlock2nix.venv.lookup"}


def test_artifacts_and_lock_do_not_know_knowledge() -> None:
    for module in modules():
        if part(module) in ("lock", "artifacts", "nixlang"):
            assert {part(other) for other in ours(module)} & {"knowledge"} == set(), module


def test_inspection_does_not_look_at_the_table_that_it_is_measured_by() -> None:
    for module in modules():
        if part(module) == "inspect":
            assert "uvlock2nix.knowledge.native_table" not in ours(module), module


def test_adapters_are_called_from_app_and_themselves() -> None:
    """`nixrun`, `sync`, `build` and `venv` act on the world: app and cli call them, and they each other."""
    acting = ("nixrun", "sync", "build", "venv")
    for module in modules():
        for other in ours(module):
            if part(other) in acting:
                assert part(module) in ("app", "cli", *acting), f"{module} -> {other}"


def test_no_import_cycles() -> None:
    edges = {m: {o for o in ours(m) if o in modules() and o != m} for m in modules()}
    # A package's __init__ takes from its modules; a module never from its own __init__.
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for other in sorted(edges[module]):
                visit(other, (*trail, module))
            done.add(module)

    for module in edges:
        visit(module, ())


def module_lengths() -> dict[str, int]:
    paths = PACKAGE.rglob("*.py")
    return {path.relative_to(PACKAGE).as_posix(): len(path.read_text().splitlines()) for path in paths}


def test_modules_are_short() -> None:
    long = {name for name, lines in module_lengths().items() if lines > LINES_OF_MODULE}
    assert long == set(LONG_MODULES)


def functions() -> Iterator[tuple[str, int]]:
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_functions_are_short() -> None:
    long = {name for name, lines in functions() if lines > LINES_OF_FUNCTION}
    assert long == set(LONG_FUNCTIONS)


def test_exemptions_have_reasons() -> None:
    for exemptions in (LONG_MODULES, LONG_FUNCTIONS, UPWARDS):
        assert all(len(reason.split()) > 2 for reason in exemptions.values())


def test_only_cli_prints() -> None:
    """Nobody calls print, or writes to stdout; sync's progress, inside a build, goes through one function.

    ``compile_modules`` is a script of its own, which a different Python runs.
    """
    callers = set()
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                callers.add(module)
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.stdout":
                callers.add(module)
    assert {module for module in callers if part(module) != "cli"} <= {
        "uvlock2nix.build.programs",
        "uvlock2nix.venv.compile_modules",
    }


# What is run when a module loads, with the reason.
AT_START = {"uvlock2nix.__main__": "leave_at_once()"}  # signals are heard before anything else is loaded


def test_no_work_at_import() -> None:
    """At the top of a module stand definitions and constants; nothing is run but what makes a constant."""
    definitions = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    statements = (*definitions, ast.Assign, ast.AnnAssign, ast.If, ast.Expr)
    for module, tree in modules().items():
        for node in tree.body:
            assert isinstance(node, statements), f"{module}:{node.lineno}"
            if isinstance(node, ast.Expr) and ast.unparse(node) != AT_START.get(module):
                assert isinstance(node.value, ast.Constant), f"{module}:{node.lineno}"
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                for call in ast.walk(node.value):
                    name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
                    assert not name.startswith(("open", "json.load", "subprocess", "requests")), module


# Put together here, so that this file does not hold them either.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("crates", "io"),
        ("npmjs", "com"),
        ("rubygems", "org"),
        ("test", "pypi"),
    )
]


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "-C", str(REPO), "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    return [REPO / name for name in done.stdout.split("\0") if name]


def test_no_registry_is_named() -> None:
    """Locks, recorded metadata and test data hold addresses by nature; what we write ourselves does not."""
    kinds = {".py", ".md", ".nix", ".sh", ".toml", ".yml", ".yaml", ""}
    data = ("fixtures/", "tests/data/", "tests/stand/")
    found = []
    for path in tracked():
        relative = path.relative_to(REPO).as_posix()
        if path.suffix in kinds and not relative.startswith(data) and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace").lower()
            found += [f"{relative}: {host}" for host in HOSTS if host in text]
    assert found == []


LOADED = """
import sys
before = set(sys.modules)
from uvlock2nix.cli.app import cli
try:
    cli.main(ARGUMENTS, prog_name="uvlock2nix")
except SystemExit:
    pass
print("\\n".join(sorted(set(sys.modules) - before)), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_imports_click_and_nothing_else(arguments: list[str]) -> None:
    code = LOADED.replace("ARGUMENTS", repr(arguments))
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True)
    loaded = {name for name in done.stderr.split() if not name.startswith("_")}
    own = {name for name in loaded if name.split(".")[0] == "uvlock2nix"}
    assert own <= {
        "uvlock2nix",
        "uvlock2nix.cli",
        "uvlock2nix.cli.app",
        "uvlock2nix.cli.interrupt",
        "uvlock2nix.errors",
        "uvlock2nix.signals",
    }
    others = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert others <= {"click", "uvlock2nix"}
    assert done.stdout


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_what_runs_for_each_package_does_without_click(name: str) -> None:
    """Its import takes longer than installing most wheels."""
    code = f"import sys; import uvlock2nix.cli.inside as i; i.commands_of({name!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True)
    loaded = {one.split(".")[0] for one in done.stdout.split()}
    assert not loaded & {"click", "packaging", "requests", "elftools", "tomli", "subprocess", "zipfile"}


# What `generate` may load where everything is known already: pins, inspections and wheels of an earlier run.
# Building, the network, running Nix, reading archives and PEP 508's parser belong to runs that need them.
NOT_FOR_GENERATE = (
    *(f"uvlock2nix.{part}" for part in ("refs", "sync", "venv", "verify", "dist", "nixfile")),
    *(f"uvlock2nix.build.{one}" for one in ("requirements", "environment", "sources", "programs", "values")),
    *(f"uvlock2nix.app.{one}" for one in ("build_facts", "build_resolver", "uv_resolve", "fetching")),
    *(f"uvlock2nix.inspect.{one}" for one in ("archive", "sdist", "inspections", "wheels", "wheel_survey")),
    *(f"uvlock2nix.net.{one}" for one in ("client", "fetch", "download")),
    *(f"uvlock2nix.nixrun.{one}" for one in ("build", "runner", "stream", "messages")),
    *(f"uvlock2nix.emit.{one}" for one in ("files", "module", "image")),
    *("packaging.requirements", "packaging.markers", "packaging.tags", "packaging.utils", "requests"),
    *("subprocess", "socket", "email", "tarfile", "zipfile", "tempfile", "logging", "concurrent.futures"),
)


LOCK = """version = 1
revision = 3
requires-python = ">=3.13"

[[package]]
name = "app"
version = "1.0"
source = { virtual = "." }
dependencies = [{ name = "six" }]

[package.metadata]
requires-dist = [{ name = "six", specifier = ">=1" }]

[[package]]
name = "six"
version = "1.17.0"
source = { registry = "https://index.invalid/simple" }
wheels = [
    { url = "https://index.invalid/six-1.17.0-py2.py3-none-any.whl", hash = "sha256:DIGEST", size = 11050 },
]
"""


def test_generate_loads_only_what_it_uses(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(LOCK.replace("DIGEST", "0" * 64))
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.13"\n'
        'dependencies = ["six>=1"]\n[tool.uv]\npackage = false\n'
    )
    arguments = ["generate", str(tmp_path), "--python", "3.13", "--system", "x86_64-linux"]
    code = LOADED.replace("ARGUMENTS", repr(arguments))
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=False)
    loaded = set(done.stderr.split())
    assert "uvlock2nix.emit.deps" in loaded, done.stderr
    assert loaded & set(NOT_FOR_GENERATE) == set()
    assert not [name for name in loaded if name.startswith(("uvlock2nix.refs.", "uvlock2nix.sync."))]
