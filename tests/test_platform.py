"""On any machine: poor consoles, missing packages, an installed package without its folder, declared imports."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import warnings
from pathlib import Path

import nbformat
import pytest

from dlhelpers import files, notebooks

#: Without these modules the command line still has to answer.
BLOCKER = """
import importlib.abc, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
import runpy
sys.argv = ["dlhelpers", *sys.argv[1:]]
runpy.run_module("dlhelpers", run_name="__main__", alter_sys=True)
"""


def command(*arguments: str, blocked: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[bytes]:
    """``python -m dlhelpers`` in a process that cannot import some packages."""
    return subprocess.run([sys.executable, "-c", BLOCKER.replace("BLOCKED", repr(blocked)), *arguments],
                          cwd=files.ROOT, capture_output=True, timeout=120, env={**os.environ, **environment})


@pytest.mark.parametrize("blocked", [("torch",), ("numpy",), ("nbformat", "nbclient"), ("pooch", "requests"),
                                     ("torch", "numpy", "scipy", "nbformat", "matplotlib", "IPython", "jupyterlab")],
                         ids="+".join)
def test_doctor_answers_without(blocked: tuple[str, ...]) -> None:
    done = command("doctor", blocked=blocked)
    shown = done.stdout.decode("utf-8")
    # torch itself warns where numpy is missing.
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    missing = next(line for line in shown.splitlines() if "packages: missing" in line)
    assert all(name in missing for name in blocked if name in ("torch", "numpy", "nbformat", "pooch"))
    assert "pip install -r requirements.txt" in shown
    assert ("torch cannot be imported" in shown) == ("torch" in blocked)


def test_help_and_version_need_nothing_but_python() -> None:
    heavy = ("torch", "numpy", "nbformat", "matplotlib", "IPython", "pooch")
    for arguments in (["--help"], ["--version"], ["student", "--help"], ["fetch", "--help"], ["runs", "--help"]):
        done = command(*arguments, blocked=heavy)
        assert done.returncode == 0 and done.stderr == b"", (arguments, done.stderr)
    assert re.fullmatch(rb"dlhelpers \d+\.\d+\.\d+\s*", command("--version", blocked=heavy).stdout)


def test_a_command_that_lacks_a_package_names_it_in_one_line() -> None:
    done = command("student", blocked=("nbformat",))
    said = done.stderr.decode()
    assert done.returncode == 1 and said.count("\n") == 1
    assert "nbformat" in said and "doctor" in said


def test_a_console_without_our_signs_gets_plain_ones() -> None:
    quick = ("torch", "numpy")  # left out, they are not waited for, and ✗ is printed too
    done = command("doctor", blocked=quick, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert b"[ok] Python" in done.stdout and b"[no] torch" in done.stdout and done.stderr == b""
    shown = command("doctor", blocked=quick, PYTHONIOENCODING="utf-8").stdout.decode("utf-8")
    assert "✓ Python" in shown and "✗ torch" in shown
    done = command("run", "66", PYTHONIOENCODING="ascii")
    assert done.returncode == 1 and b"no notebook" in done.stderr and b"Traceback" not in done.stderr


FOLDERS = ("dlhelpers", "tests", "benchmarks", "data")
NOTEBOOKS = notebooks.lectures() + notebooks.exercises()
SCRIPTS = [files.ROOT / "conftest.py"] + [p for name in FOLDERS for p in sorted((files.ROOT / name).rglob("*.py"))]


def _name(path: Path) -> str:
    return path.relative_to(files.ROOT).as_posix()


def text_calls(tree: ast.AST) -> list[int]:
    """Lines that read or write text in whatever encoding the machine prefers."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(owner, ast.Name) and owner.id in ("files", "gzip", "Image", "io"):
            continue
        words = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        keywords = {k.arg: k.value for k in node.keywords}
        named = "encoding" in keywords or any(word.lower() in ("utf-8", "utf8", "ascii") for word in words)
        mode = keywords.get("mode")
        modes = words + ([str(mode.value)] if isinstance(mode, ast.Constant) else [])
        binary = any(re.fullmatch(r"[rwax+]*b[rwax+]*", word) for word in modes)
        if called in ("read_text", "write_text") and not named:
            found.append(node.lineno)
        if called == "open" and owner is None and not (binary or named):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_text_is_read_and_written_as_utf_8(path: Path) -> None:
    lines = text_calls(ast.parse(path.read_text(encoding="utf-8")))
    assert not lines, f"{_name(path)}: name the encoding in lines {lines}"


@pytest.mark.parametrize("code, found", [
    ("p.read_text()", [1]), ("p.write_text(x)", [1]), ("open(p)", [1]), ("open(p, 'w')", [1]), ("open(p, 'rb')", []),
    ("p.read_text(encoding='utf-8')", []), ("p.write_text(x, 'utf-8')", []), ("files.write_text(p, x)", []),
    ("open(p, encoding='utf-8')", []), ("open(p, mode='r+b')", [])])
def test_the_rule_about_encodings_can_fail(code: str, found: list[int]) -> None:
    assert text_calls(ast.parse(code)) == found


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_every_script_is_read_without_a_warning(path: Path) -> None:
    """No syntax newer than 3.11, none that a newer Python warns about, no module that 3.12 or 3.13 removed."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 11))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile(text, str(path), "exec")
    assert not imported(tree) & REMOVED


#: Of PEP 594 and of 3.12: gone from the standard library.
REMOVED = {"asynchat", "asyncore", "distutils", "imp", "smtpd", "aifc", "audioop", "cgi", "cgitb", "chunk", "crypt",
           "imghdr", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau",
           "telnetlib", "uu", "xdrlib"}
#: Import names of packages that may not be installed here, and of parts that a package brings along.
BROUGHT = {"pde": "py-pde", "_pytest": "pytest", "mpl_toolkits": "matplotlib", "pkg_resources": "setuptools"}
#: Declared, for lectures that are being written, or used as programs and plugins.
NOT_IMPORTED = {"networkx", "gymnasium", "jupyterlab", "ipykernel", "jupyter_server_mathjax", "pytest-xdist", "nbval",
                "nbgrader"}


def source_of(path: Path) -> ast.Module:
    """A script, or all code cells of a notebook."""
    if path.suffix == ".py":
        return ast.parse(path.read_text(encoding="utf-8"))
    cells = nbformat.read(path, as_version=4).cells
    return ast.parse("\n".join(cell.source for cell in cells if cell.cell_type == "code"))


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of everything that is imported, also inside functions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def declared(*extras: str) -> set[str]:
    """Normalised names of the declared dependencies and of these extras."""
    project = tomllib.loads((files.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    return {_normal(re.match(r"[\w.-]+", line)[0]) for line in lines}  # type: ignore[index]


#: Module -> the packages that hold it.
INSTALLED = importlib.metadata.packages_distributions()


def _distributions(module: str) -> set[str]:
    """Normalised names of the packages that hold a module."""
    return {_normal(name) for name in INSTALLED.get(module, [BROUGHT.get(module, module)])}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("folder, extras", [("dlhelpers", ()), ("data", ()), ("notebooks", ()),
                                            ("tests", ("test", "instructor")), ("benchmarks", ("bench",))])
def test_every_import_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    ours = {p.stem for p in SCRIPTS if p.parent.name in ("tests", "benchmarks", "runs")}
    ours |= {"dlhelpers", "exercises", "pretend"}
    undeclared: dict[str, list[str]] = {}
    for path in [p for p in SCRIPTS + NOTEBOOKS if p.is_relative_to(files.ROOT / folder)]:
        for name in imported(source_of(path)) - set(sys.stdlib_module_names) - ours:
            sources = _distributions(name)
            if not sources & declared(*extras):
                undeclared.setdefault(name, []).append(_name(path))
    assert not undeclared, f"declare these in pyproject.toml: {undeclared}"


def test_nothing_is_declared_that_nobody_uses() -> None:
    used: set[str] = set()
    for path in SCRIPTS + NOTEBOOKS:
        for name in imported(source_of(path)):
            used |= _distributions(name)
    unused = declared("test", "bench", "instructor") - used - {_normal(name) for name in NOT_IMPORTED}
    assert not unused, f"declared and imported nowhere: {unused}"


def test_the_pinned_versions_satisfy_the_ranges() -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((files.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (files.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    pins = {_normal(name): version for name, version in pins.items()}
    for line in project["dependencies"] + project["optional-dependencies"]["test"]:
        wanted = Requirement(line)
        assert _normal(wanted.name) in pins, f"pin {wanted.name} in requirements.txt"
        assert pins[_normal(wanted.name)] in wanted.specifier, f"{line} against {pins[_normal(wanted.name)]}"


ALONE = """
import pathlib, sys
from dlhelpers import data, files, runs
assert "site-packages" in str(files.ROOT), files.ROOT
said = []
for attempt in (lambda: data.digits(), lambda: runs.load("x"), lambda: data.downloads.fetch_mnist(),
                lambda: runs.save("x", {"a": [1]}, command="c", seed=0, seconds=1)):
    try:
        attempt()
    except FileNotFoundError as error:
        said.append(str(error))
assert len(said) == 4 and all("without its notebooks and data" in line for line in said), said
"""


@pytest.mark.slow
def test_a_wheel_works_or_says_what_it_lacks(tmp_path: Path) -> None:
    """Installed elsewhere: it computes, refuses what needs the project's folder, and writes nothing beside itself."""
    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "DLHELPERS"))}
        return subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=300,
                              env={**environment, **more})

    # From a copy: building leaves a folder behind, from which the next wheel would take old files.
    source = tmp_path / "source"
    shutil.copytree(files.ROOT / "dlhelpers", source / "dlhelpers", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
        shutil.copy(files.ROOT / name, source)
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(source)]
    built = run(*wheel, "--no-build-isolation") if importlib.util.find_spec("setuptools") else run(*wheel)
    assert built.returncode == 0, built.stderr
    made, = tmp_path.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=False)
    python = str(tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    inside = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip())
    done = run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(inside), str(made))
    assert done.returncode == 0, done.stderr
    # The other packages are borrowed; the editable dlhelpers among them comes after the installed one.
    borrowed = sysconfig.get_path("purelib")
    before = sorted(inside.rglob("*.*"))
    lend = {"PYTHONPATH": os.pathsep.join([str(inside), borrowed]), "PYTHONDONTWRITEBYTECODE": "1"}

    done = run(python, "-c", "from dlhelpers.objectives import quadratics; from dlhelpers.claims import claim\n"
               "import dlhelpers; print(dlhelpers.__file__); claim('1 + 1', 1 + 1, equal=2)", **lend)
    assert done.returncode == 0 and str(inside) in done.stdout and "✓ 1 + 1 = 2" in done.stdout, done.stderr
    done = run(python, "-c", ALONE, **lend)
    assert done.returncode == 0, done.stderr
    for arguments in (["run", "03"], ["runs"], ["student"], ["student", "out"], ["slides", "03", "out"]):
        done = run(python, "-m", "dlhelpers", *arguments, **lend)
        assert done.returncode in (1, 2) and done.stderr.count("\n") == 1, (arguments, done)
        assert "work in the project's folder" in done.stderr, (arguments, done.stderr)
    done = run(python, "-m", "dlhelpers", "doctor", **lend)
    assert done.returncode == 1 and "✗ only the package is installed" in done.stdout, done
    assert sorted(inside.rglob("*.*")) == before and not (tmp_path / "out").exists()


INNER = """
import pytest
def test_right(): pass
def test_left_out(): pytest.skip("{reason}")
"""


@pytest.mark.parametrize("ci, reason, code", [
    ("true", "no such program", 1), ("true", "real MNIST is not on disk: x", 0), ("", "no such program", 0)])
def test_a_silent_skip_fails_in_continuous_integration(ci: str, reason: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text(INNER.format(reason=reason), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "silent_skips", "-p", "no:cacheprovider", "-q",
                           "-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)], cwd=tmp_path, text=True,
                          capture_output=True, encoding="utf-8", timeout=120,
                          env={**os.environ, "CI": ci, "PYTHONPATH": str(files.ROOT / "tests"),
                               "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    assert done.returncode == code, done.stdout + done.stderr
    assert ("skipped in continuous integration: " in done.stdout) == bool(code)
