"""The package as a folder: whole or not there, the same when made twice, by its schema, and pages that lead to each other and decide nothing."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from pipeline.change_package import package as module
from pipeline.change_package.ends import open_pair
from pipeline.change_package.errors import ChangePackageRefused
from pipeline.change_package.package import JSON, SUMS, change_package, contents, summary, write
from pipeline.change_package.pages import redline_name
from tests.verification.trace.conftest import ROOT

SCHEMA = json.loads(Path(module.__file__).with_name("change_package.schema.json").read_text(encoding="utf-8"))


def package_of(releases, span="0.1.0..0.2.0"):
    return change_package(releases.root, open_pair(releases.root, span))


def test_two_releases_as_json_by_the_schema(changed):
    data = package_of(changed).to_json()
    jsonschema_rs.validate(SCHEMA, json.loads(json.dumps(data)))
    assert data["not_compared"] == [
        f"performance on the locked cohort, release {version}: the sealed audit log holds no judgement of these weights"
        for version in ("0.1.0", "0.2.0")
    ]
    assert {"UN-001", "RC-001", "HAZ-002", "HS-002", "device_sw.device"} <= {each["id"] for each in data["items"]}
    assert {each["name"] for each in data["documents"]} == {"docs/intended-use.md", "archive/technical_file/html/index.html"}
    assert {each["decision"] for each in data["worksheets"]} == {None}
    assert data["predetermined_change_control_plan"].startswith("none")
    broken = {**data, "worksheets": [{**each, "decision": "no new 510(k)"} for each in data["worksheets"]]}
    with pytest.raises(jsonschema_rs.ValidationError, match="null"):
        jsonschema_rs.validate(SCHEMA, json.loads(json.dumps(broken)))


@pytest.mark.parametrize("span", ["0.1.0", "0.1.0..HEAD"])
def test_an_end_without_a_seal_as_json_by_the_schema(changed, span):
    data = package_of(changed, span).to_json()
    jsonschema_rs.validate(SCHEMA, json.loads(json.dumps(data)))
    assert any("nothing is sealed" in each for each in data["not_compared"])
    assert {each["state"] for each in (*data["parts"], *data["model_and_data"])} == {"not compared"}


def test_made_twice_and_elsewhere_it_is_the_same(changed, tmp_path):
    one = contents(package_of(changed))
    shutil.copytree(changed.root, tmp_path / "another place")
    code = (
        "import sys, hashlib, json; from pathlib import Path; from pipeline.change_package.ends import open_pair;"
        "from pipeline.change_package.package import change_package, contents; root = Path(sys.argv[1]);"
        "made = contents(change_package(root, open_pair(root, '0.1.0..0.2.0')));"
        "print(json.dumps({name: hashlib.sha256(each).hexdigest() for name, each in made.items()}))"
    )
    surroundings = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Taipei", "LC_ALL": "C", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, str(tmp_path / "another place")]
    done = subprocess.run(command, env=surroundings, cwd=ROOT, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == {name: hashlib.sha256(each).hexdigest() for name, each in one.items()}
    assert str(changed.root).encode() not in b"".join(one.values())


def test_it_is_written_whole_and_over_an_older_one_only(changed, tmp_path):
    made = package_of(changed)
    place = tmp_path / "out" / "package"
    beside = place.with_name("package.part") / "letter.txt"
    beside.parent.mkdir(parents=True)
    beside.write_text("mine", encoding="utf-8")
    assert write(place, made) == place / "index.html"
    names = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert names == set(contents(made))
    listed = dict(line.split("  ", 1)[::-1] for line in (place / SUMS).read_text(encoding="utf-8").splitlines())
    assert listed == {name: hashlib.sha256((place / name).read_bytes()).hexdigest() for name in names - {SUMS}}
    (place / "left.html").write_text("of an older package", encoding="utf-8")
    write(place, made)
    assert not (place / "left.html").exists()
    assert beside.read_text(encoding="utf-8") == "mine"
    assert {each.name for each in place.parent.iterdir()} == {"package", "package.part"}


def test_two_documents_whose_names_read_alike_have_two_redlines():
    assert redline_name("docs/a/b.md") != redline_name("docs/a-b.md")


def test_it_takes_nobodys_place(changed, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ChangePackageRefused, match="CPK-OUT at mine: found something else"):
        write(tmp_path / "mine", package_of(changed))
    assert (tmp_path / "mine" / "letter.txt").read_text(encoding="utf-8") == "mine"


def pages_of(changed):
    return {name: each.decode() for name, each in contents(package_of(changed)).items() if name.endswith(".html")}


def test_pages_lead_to_each_other(changed):
    pages = pages_of(changed)
    for name, page in pages.items():
        folder = Path(name).parent
        for target in re.findall(r'href="([^"#]+)', page):
            assert os.path.normpath(folder / target) in pages, f"{target} from {name}"


def test_every_page_says_draft_and_not_for_clinical_use(changed):
    for page in pages_of(changed).values():
        assert "DRAFT by a program: nothing is decided here" in page
        assert "Not cleared, not for clinical use" in page


def test_words_are_escaped_and_marked(changed):
    items = pages_of(changed)["items.html"]
    assert "<b>mark" not in items
    assert "<del>result</del>" in items
    assert "&lt;" in items
    redline = pages_of(changed)[redline_name("docs/intended-use.md")]
    assert "<del>adults</del><ins>grown people</ins>" in redline


def test_worksheets_have_room_for_people_and_no_decision(changed):
    pages = pages_of(changed)
    for name in ("worksheets/fda-software-change.html", "worksheets/mdr-significant-change.html"):
        assert pages[name].count("Answer of a person") >= 8
        assert "No program decides it, and none has." in pages[name]
        assert "To be looked up by a person before this is used" in pages[name]
    assert "most recently cleared device" in pages["worksheets/fda-software-change.html"]
    assert "legacy devices only" in pages["worksheets/mdr-significant-change.html"]


def test_the_summary_for_a_terminal(changed):
    text = summary(package_of(changed))
    assert "release 0.1.0 .. release 0.2.0: DRAFT" in text
    assert "2 risks to judge again, 1 of them without an entry" in text
    assert "left to people; predetermined change control plan: none" in text


def test_nothing_is_made_where_the_release_does_not_hold(releases):
    (releases.root / "releases/0.1.0/files/params.yaml").write_text("x", encoding="utf-8")
    with pytest.raises(ChangePackageRefused, match="CPK-RELEASE"):
        package_of(releases, "0.1.0")
    assert not (releases.root / module.PLACE).exists()
    assert JSON not in {path.name for path in releases.root.rglob("*")}
