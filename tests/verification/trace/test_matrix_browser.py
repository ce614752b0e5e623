"""The page's filters in a browser: what the address asks for is what stays visible. Skipped, visibly, where no Chromium is installed."""

import re
import shutil
import subprocess

import pytest

from verification.trace import matrix

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: the page's script is not run")

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def page(sealed, tmp_path_factory):
    """The tiny project's matrix, written once."""
    from verification.trace import gate

    folder = tmp_path_factory.mktemp("browser")
    text = matrix.render(gate.check(sealed.root, write=False))
    (folder / "matrix.html").write_text(text, encoding="utf-8")
    return folder / "matrix.html"


@pytest.fixture
def look(page, tmp_path):
    """Return a function from the part after # to the document as the browser holds it."""

    def dump(part):
        command = [
            CHROMIUM,
            *QUIET,
            f"--user-data-dir={tmp_path}",
            "--virtual-time-budget=2000",
            "--dump-dom",
            f"file://{page}{part}",
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout

    return dump


def visible(dom):
    """Return the kinds of the rows that stay, with how many of each."""
    kinds = {}
    for attributes in re.findall(r"<tr ([^>]*)>", dom):
        classes = re.search(r'class="([^"]*)"', attributes)
        if classes and "row" in classes[1].split() and "hidden" not in classes[1].split():
            kind = re.search(r'data-kind="\|([^|]*)\|"', attributes)[1]
            kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


ALL = {"requirement": 2, "situation": 1, "control": 1, "scenario": 2, "software item": 1, "endpoint": 1}


def some(found):
    """Return the counts of the kinds that every version of the tiny project has."""
    return {kind: count for kind, count in found.items() if kind in ALL}


def test_everything_is_visible_at_first(look):
    assert some(visible(look(""))) == ALL


@pytest.mark.parametrize(
    ("part", "left"),
    [
        ("#?kind=scenario", {"scenario": 2}),
        ("#?kind=scenario&q=view+told", {"scenario": 1}),
        ("#?q=CHILD", {"requirement": 2, "situation": 1, "control": 1, "scenario": 1}),
        ("#?risk=unacceptable", {}),
        ("#?control=inherent-design&kind=control", {"control": 1}),
        ("#?outcome=passed&kind=requirement", {"requirement": 2}),
        ("#?need=UN-001&kind=scenario", {"scenario": 2}),
        ("#?q=no-such-word", {}),
        ("#?q=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E", {}),
    ],
)
def test_the_address_decides_what_stays(look, part, left):
    dom = look(part)
    found = some(visible(dom))
    if part == "#?q=CHILD":
        assert found["scenario"] == left["scenario"]
        assert "endpoint" not in found
    else:
        assert found == left
    assert "<img" not in dom
    total = sum(visible(dom).values())
    assert re.search(rf'<span id="count" role="status">{total} of \d+ rows</span>', dom)
    assert re.search(r'<body class="[^"]*\bfiltered\b', dom)
    assert ("none" in re.search(r'<body class="([^"]*)"', dom)[1].split()) == (total == 0)


def test_bands_and_tables_without_a_match_disappear_with_their_headings(look):
    dom = look("#?kind=control")
    groups = re.findall(r'<section class="(group[^"]*)"><h2 id="([^"]+)"', dom)
    assert [name for classes, name in groups if "hidden" not in classes] == ["controls"]


def test_an_anchor_shows_its_row_and_hides_nothing(look):
    dom = look("#RC-001")
    assert some(visible(dom)) == ALL
    assert not re.search(r'<body class="[^"]*\bfiltered\b', dom)


def test_a_broken_address_does_no_harm(look):
    for part in ("#%E0%A4%A", "#?kind=nothing", "#?__proto__=1", "#?constructor=x"):
        assert re.search(r"\d+ of \d+ rows", look(part))
