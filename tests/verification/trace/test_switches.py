"""Each way to leave a scenario out that stands in the source is a switch, with its line; what keeps the runner strict is owed."""

import pytest

from verification.trace.switches import switch_duties

CONFTEST = "verification/conftest.py"


def found(path, text, aspect="switch"):
    return [(each.member, each.where) for each in switch_duties({path: text}) if each.aspect == aspect]


@pytest.mark.parametrize(
    ("text", "member", "line"),
    [
        ("import pytest\npytest.skip('later')", "pytest.skip('later')", 2),
        ("@pytest.mark.skipif(True, reason='x')\ndef f():\n    pass", "pytest.mark.skipif(True, reason='x')", 1),
        ("mark = pytest.mark\n@mark.xfail\ndef f():\n    pass", "mark.xfail", 2),
        ("numpy = pytest.importorskip('numpy')", "pytest.importorskip('numpy')", 1),
        ("from pytest import skip, fixture", "from pytest import skip", 1),
        ("collect_ignore = ['a.py']", "collect_ignore", 1),
        ("def pytest_ignore_collect(path):\n    return True", "pytest_ignore_collect", 1),
        ("def pytest_collection_modifyitems(items):\n    items.clear()", "items.clear()", 2),
        ("def pytest_collection_modifyitems(items):\n    items[:] = items[1:]", "items[:] is written", 2),
        ("def pytest_collection_modifyitems(items):\n    del items[0]", "items[0] is written", 2),
        (
            "def pytest_collection_modifyitems(config, items):\n    config.hook.pytest_deselected(items=items)",
            "pytest_deselected",
            2,
        ),
        ("def pytest_runtest_makereport(report):\n    report.outcome = 'passed'", "report.outcome is written", 2),
        ("def pytest_runtest_call(outcome):\n    outcome.force_result(None)", "outcome.force_result(None)", 2),
    ],
)
def test_each_switch_is_seen_at_its_line(text, member, line):
    assert (member, f"{CONFTEST}:{line}") in found(CONFTEST, text)


@pytest.mark.parametrize(
    "text",
    [
        "items = []\nitems[0] = 1",
        "def helper(items):\n    items.clear()",
        "name.skip = 3",
        "self.outcome = 'passed'",
        "def (",
        "",
    ],
)
def test_what_is_no_switch_is_none(text):
    assert found(CONFTEST, text) == []


def test_the_same_switch_twice_is_counted():
    text = "pytest.skip('x')\npytest.skip('x')"
    assert [each.value for each in switch_duties({CONFTEST: text})] == [2]


def test_a_hook_of_the_gates_own_plugin_is_looked_at_too():
    text = "\ndef pytest_collection_modifyitems(items):\n    items.pop()\n"
    assert found("verification/trace/recording.py", text) == [("items.pop()", "verification/trace/recording.py:3")]


def test_each_option_of_the_runner_is_a_switch():
    assert found("pipeline/verification_run.py", "COMMAND = ['pytest', '-k', 'not slow', '--deselect']") == [
        ("--deselect", "pipeline/verification_run.py:1"),
        ("-k", "pipeline/verification_run.py:1"),
    ]


def test_the_binding_of_all_features_is_owed():
    assert found("verification/test_features.py", "scenarios('.')", "strict") == [
        ("scenarios('.')", "verification/test_features.py:1")
    ]


SETTINGS = """\
[tool.pytest.ini_options]
testpaths = ["verification"]
addopts = ["--strict-markers", "-k", "x"]
xfail_strict = true
norecursedirs = ["features"]
markers = ["a: b"]
"""


def test_settings_are_told_apart():
    assert found("pyproject.toml", SETTINGS) == [
        ('norecursedirs = ["features"]', "pyproject.toml:5"),
        ("option -k", "pyproject.toml:3"),
        ("option x", "pyproject.toml:3"),
    ]
    strict = [
        ("option --strict-markers", "pyproject.toml:3"),
        ("testpaths verification", "pyproject.toml:2"),
        ("xfail_strict", "pyproject.toml:4"),
    ]
    assert found("pyproject.toml", SETTINGS, "strict") == strict


def test_what_is_there_once_counts_as_one_and_a_switch_as_often_as_it_is_set():
    sources = {
        "pyproject.toml": SETTINGS,
        "verification/test_features.py": "scenarios('.')\npytest.skip('a')\npytest.skip('a')\n",
        "verification/trace/checks/orphans.py": "WORDS = ('a', 'b')\nreport = 'TRC-GAP'\n",
    }
    counted = {each.name: each.value for each in switch_duties(sources)}
    assert counted.pop("verification/test_features.py: switch: pytest.skip('a')") == 2
    assert counted.pop("pyproject.toml: strict: xfail_strict") is True
    assert {
        "verification/test_features.py: strict: scenarios('.')",
        "pyproject.toml: switch: option -k",
        "verification/trace/checks/orphans.py WORDS: check: 'b'",
        "code TRC-GAP: code",
    } <= counted.keys()
    assert set(counted.values()) == {1}


def test_options_in_one_text_are_told_apart_too():
    assert [member for member, _ in found("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "-x -k y"')] == [
        "option -k",
        "option -x",
        "option y",
    ]


@pytest.mark.parametrize("text", ["tool = 3", "[tool", ""])
def test_settings_that_cannot_be_read_keep_nothing_strict(text):
    assert ("option --strict-markers", "pyproject.toml:3") not in found("pyproject.toml", text, "strict")


def test_a_settings_file_of_another_tool_is_a_switch():
    assert found("tox.ini", "[pytest]") == [("a file of settings that pytest would obey", "tox.ini:1")]


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("CHECKS = (a, b)", ["a", "b"]),
        ("CHECKS: tuple = [a]", ["a"]),
        ("KINDS = frozenset({'x'})", ["'x'"]),
        ("TABLE = {'a': (b, c), **other}", ["'a': b", "'a': c", "**: other"]),
        ("LIMIT = 10", ["10"]),
        ("lower = (a,)", []),
    ],
)
def test_each_constant_of_a_check_is_owed_by_itself(text, members):
    owed = switch_duties({"verification/trace/checks/a.py": text})
    assert [each.member for each in owed] == members
    assert {each.item for each in owed} <= {f"verification/trace/checks/a.py {text.split()[0].rstrip(':')}"}


def test_a_code_is_owed_wherever_it_stands():
    owed = switch_duties({"risk/links.py": "code = 'RSK-CLAIM'\nother = 'RSK-CLAIM'\n"})
    assert [(each.item, each.where) for each in owed] == [("code RSK-CLAIM", "risk/links.py:1")]
