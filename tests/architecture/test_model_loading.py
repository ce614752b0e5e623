"""Models are loaded only through the verifying loader: no code of ours calls a loader that could run what a file says."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("device_sw", "phantom", "pipeline", "requirements_spec", "risk", "validation", "verification/trace")
RUNS_CODE = {
    "cloudpickle.load",
    "dill.load",
    "joblib.load",
    "mlflow.load_model",
    "mlflow.pyfunc.load_model",
    "mlflow.pytorch.load_model",
    "pickle.Unpickler",
    "pickle.load",
    "pickle.loads",
    "shelve.open",
    "torch.export.load",
    "torch.jit.load",
}
ONLY_WITH = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False), "numpy.load": ("allow_pickle", False)}
DEFAULT_IS_SAFE = {"np.load", "numpy.load"}


def loads_that_run_code(text):
    """Return the calls of a module that may run code from a file: by name, and by a name that was imported from such a module."""
    tree = ast.parse(text)
    known = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [f"line {call.lineno}: {name}" for call in calls if is_unsafe(name := named(call.func, known), call.keywords)]


def named(function, known):
    parts = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    first = function.id if isinstance(function, ast.Name) else ""
    return ".".join([known.get(first, first), *reversed(parts)])


def is_unsafe(name, keywords):
    if name in RUNS_CODE or name.endswith(".load_model"):
        return True
    if name not in ONLY_WITH:
        return False
    key, value = ONLY_WITH[name]
    given = [each.value for each in keywords if each.arg == key]
    return not (isinstance(given[0], ast.Constant) and given[0].value is value) if given else name not in DEFAULT_IS_SAFE


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_loads_what_could_run(package):
    found = {
        path.relative_to(ROOT).as_posix(): unsafe
        for path in sorted((ROOT / package).rglob("*.py"))
        if (unsafe := loads_that_run_code(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "import pickle\npickle.loads(b'')",
        "from pickle import load\nload(x)",
        "import torch\ntorch.load(x)",
        "import torch\ntorch.load(x, weights_only=False)",
        "import torch\ntorch.load(x, weights_only=flag)",
        "import mlflow\nmlflow.pyfunc.load_model('models:/a@b')",
        "from mlflow.pytorch import load_model as get\nget(x)",
        "import numpy as np\nnp.load(x, allow_pickle=True)",
        "import torch\ntorch.export.load(x)",
    ],
)
def test_a_loader_that_runs_code_would_be_found(text):
    assert loads_that_run_code(text)


@pytest.mark.parametrize(
    "text", ["import torch\ntorch.load(x, weights_only=True)", "import numpy as np\nnp.load(x)", "bundle.load(x)"]
)
def test_a_loader_of_plain_values_is_none(text):
    assert loads_that_run_code(text) == []
