"""IEC 62304 5.3.1: the architecture names the software items, and each module of the device belongs to exactly one."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "requirements_spec" / "data" / "architecture.toml"


def items():
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))["item"]


def device_modules():
    files = (path.relative_to(ROOT).with_suffix("") for path in (ROOT / "device_sw").rglob("*.py"))
    return {".".join(path.parts) for path in files if path.name != "__init__"}


def owners(module):
    return [item["id"] for item in items() if any(module == name or module.startswith(f"{name}.") for name in item["modules"])]


def test_each_module_of_the_device_belongs_to_one_software_item():
    misplaced = {module: owners(module) for module in device_modules() if len(owners(module)) != 1}
    assert misplaced == {}


def test_each_software_item_names_modules_that_exist():
    modules = device_modules()
    empty = [
        name for item in items() for name in item["modules"] if not any(m == name or m.startswith(f"{name}.") for m in modules)
    ]
    assert empty == []
