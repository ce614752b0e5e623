"""`./qms people`, `review`, `approve` and `obligations`, run as a person would on the small project: from a key to a signed release document."""

import json
import shutil
import stat
import subprocess

import pytest
from typer.testing import CliRunner

from pipeline import people_cli
from pipeline.cli import app
from tests.verification.trace.conftest import project, sealed  # noqa: F401  fixtures of the small project
from verification.trace import gate
from verification.trace.approvals import APPROVALS, HEAD

runner = CliRunner()
POLICY = "risk/data/policy.toml"
CONTROLS = "risk/data/controls.toml"

PEOPLE = """\
schema = "thoratrace/people/1"
project = "tiny"
[[role]]
name = "risk management"
signs = "risks"
meanings = ["authored", "reviewed", "approved"]
[[role]]
name = "clinical safety"
signs = "harms"
meanings = ["reviewed", "approved"]
[[rule]]
documents = "risk/data"
roles = ["risk management", "clinical safety"]
[[person]]
name = "DEMO-author"
kind = "demonstration"
roles = ["risk management"]
"""


class Office:
    """The small project with a folder for keys outside it."""

    def __init__(self, small, keys):
        self.project = small
        self.keys = keys

    def run(self, *arguments, code=0):
        done = runner.invoke(app, list(arguments), env={"THORATRACE_KEYS": str(self.keys), "COLUMNS": "200"})
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done.output

    def approve(self, target, name, *more, code=0):
        return self.run("approve", target, "--as", name, "--statement", f"read {target} in full", *more, code=code)

    def release(self, code):
        problems = self.project.check(gate.Level.RELEASE).problems
        return {problem.where.split(":")[0]: problem.found for problem in problems if problem.code == code}


@pytest.fixture
def office(project, tmp_path, monkeypatch):  # noqa: F811
    project.write("people.toml", PEOPLE)
    monkeypatch.setattr(people_cli, "_root", lambda: project.root)
    made = Office(project, tmp_path / "keys")
    made.run("people", "add", "DEMO-risk-manager", "--role", "risk management")
    made.run("people", "add", "DEMO-clinical-safety", "--role", "clinical safety")
    return made


def test_a_private_key_lies_outside_the_repository_for_its_owner_only(office):
    files = list(office.keys.iterdir())
    assert len(files) == 2
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert "PRIVATE" not in office.project.read("people.toml")
    office.run("people", "add", "DEMO-author", "--keys", str(office.project.root / "keys"), code=1)
    assert not (office.project.root / "keys").exists()


def test_without_a_folder_for_keys_nothing_is_made(office):
    done = runner.invoke(app, ["people", "add", "DEMO-author"], env={"THORATRACE_KEYS": ""})
    assert done.exit_code == 1
    assert "no folder for private keys" in done.output


def test_the_list_says_who_is_nobody(office):
    text = office.run("people", "list")
    assert "DEMO-risk-manager (demonstration identity, no natural person): risk management" in text
    assert "no key, so nothing can be signed" in text
    rows = json.loads(office.run("people", "list", "--json"))
    assert [row["keys"][0]["state"] for row in rows if row["keys"]] == ["counts", "counts"]


def test_two_roles_open_a_document_and_a_change_closes_it(office):
    assert "approved by nobody; missing risk management, clinical safety" in office.release("TRC-SIGNATURE")[POLICY]
    office.approve(POLICY, "DEMO-risk-manager")
    assert "missing clinical safety" in office.release("TRC-SIGNATURE")[POLICY]
    shown = office.approve(POLICY, "DEMO-clinical-safety", "--ssh")
    assert "approved by DEMO-clinical-safety (demonstration identity, no natural person) as clinical safety" in shown
    assert POLICY not in office.release("TRC-SIGNATURE")
    office.project.replace(POLICY, "severity", "severity ")
    assert "the last signature" in office.release("TRC-SIGNATURE")[POLICY]


def test_a_changed_target_makes_the_approval_suspect_by_name(office):
    office.approve(CONTROLS, "DEMO-risk-manager")
    office.approve(CONTROLS, "DEMO-clinical-safety")
    assert office.release("SIG-SUSPECT") == {}
    office.project.replace("requirements_spec/data/software_requirements/device.toml", "under 18", "under 16")
    assert "SRS-001 had the content" in office.release("SIG-SUSPECT")[CONTROLS]


def test_what_is_to_be_read_is_shown_and_nothing_signed_without_words(office):
    text = office.run("review", "RC-001", "--as", "DEMO-clinical-safety")
    assert 'title = "Only adults"' in text
    assert "written by: DEMO-author (demonstration identity, no natural person)" in text
    assert "HS-001" in text
    assert "never signed before" in text
    assert "nothing signed" in text
    assert not (office.project.root / APPROVALS).exists()


def test_the_difference_from_what_was_signed_last_is_shown(office):
    office.project.git("add", "-A")
    office.project.git("commit", "-qm", "as signed")
    office.run("review", POLICY, "--as", "DEMO-clinical-safety", "--statement", "read the whole policy")
    assert "unchanged since" in office.run("review", POLICY, "--as", "DEMO-risk-manager")
    office.project.replace(POLICY, "death of the patient", "death of many")
    text = office.run("review", POLICY, "--as", "DEMO-risk-manager")
    assert '-meaning = "death of the patient"' in text
    assert '+meaning = "death of many"' in text


@pytest.mark.parametrize("target", ["risk/data", "risk/data/*.toml", "SRS-001,SRS-002", "*", "../people.toml", "."])
def test_more_than_one_target_is_a_wrong_use(office, target):
    assert "is not one id or one path" in " ".join(office.approve(target, "DEMO-risk-manager", code=2).replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["approve", "SRS-999", "--as", "DEMO-risk-manager", "--statement", "read in full"], "no item and no file"),
        (["approve", "risk/data/none.toml", "--as", "DEMO-risk-manager", "--statement", "read in full"], "no item and no file"),
        (["approve", POLICY, "--as", "DEMO-nobody", "--statement", "read in full"], "holds no DEMO-nobody"),
        (["approve", POLICY, "--as", "DEMO-author", "--statement", "read in full"], "has no key that counts now"),
        (["approve", POLICY, "--as", "DEMO-risk-manager", "--statement", "ok"], "SIG-STATEMENT"),
        (
            ["approve", POLICY, "--as", "DEMO-risk-manager", "--role", "clinical safety", "--statement", "read in full"],
            "SIG-ROLE",
        ),
        (["review", POLICY, "--as", "DEMO-risk-manager", "--meaning", "seen", "--statement", "read in full"], "SIG-MEANING"),
        (
            ["review", POLICY, "--as", "DEMO-clinical-safety", "--meaning", "authored", "--statement", "wrote it all"],
            "does not sign",
        ),
        (["people", "revoke", "DEMO-nobody", "--key", "SHA256:x", "--reason", "the laptop was lost"], "holds no DEMO-nobody"),
        (["people", "rotate", "DEMO-author"], "has no key that counts now"),
        (["people", "add", "DEMO-new"], "name the roles"),
        (["people", "add", "DEMO-new", "--role", "director"], "the role director, which does not exist"),
        (["people", "add", "DEMO-new", "--role", "clinical safety", "--public", "none.pub"], "No such file"),
    ],
)
def test_wrong_input_is_one_clear_line_and_changes_nothing(office, arguments, said):
    before = office.project.read("people.toml")
    assert said in office.run(*arguments, code=1)
    assert office.project.read("people.toml") == before
    assert not (office.project.root / APPROVALS).exists()


def test_an_approval_is_not_made_by_review(office):
    text = office.run("review", POLICY, "--as", "DEMO-risk-manager", "--meaning", "approved", code=2)
    assert "./qms approve" in text


def test_the_author_cannot_approve(office):
    office.run("people", "add", "DEMO-author")
    assert "SIG-SELF" in office.approve(POLICY, "DEMO-author", code=1)


def test_two_signatures_within_seconds_are_refused(office):
    office.approve(POLICY, "DEMO-risk-manager")
    assert "SIG-BULK" in office.approve("RC-001", "DEMO-risk-manager", code=1)


def test_a_key_that_others_can_read_does_not_sign(office):
    for file in office.keys.iterdir():
        file.chmod(0o644)
    assert "others can read" in office.approve(POLICY, "DEMO-risk-manager", code=1)


def test_a_key_that_is_not_there_does_not_sign(office):
    shutil.rmtree(office.keys)
    assert "no private key of SHA256:" in office.approve(POLICY, "DEMO-risk-manager", code=1)


def test_a_rotated_key_signs_and_its_predecessor_does_not(office):
    old = {row["name"]: row["keys"][0]["id"] for row in json.loads(office.run("people", "list", "--json")) if row["keys"]}
    office.run("people", "rotate", "DEMO-risk-manager")
    rows = {row["name"]: row["keys"] for row in json.loads(office.run("people", "list", "--json"))}
    states = [key["state"] for name, keys in rows.items() if name.startswith("DEMO-risk") for key in keys]
    assert [state.split(":")[0] for state in states] == ["revoked", "counts"]
    office.approve(POLICY, "DEMO-risk-manager")
    assert all(
        old["DEMO-risk-manager (demonstration identity, no natural person)"] not in line
        for line in office.project.read(APPROVALS).splitlines()
    )


def test_a_revoked_key_does_not_sign(office):
    rows = json.loads(office.run("people", "list", "--json"))
    key = next(row["keys"][0]["id"] for row in rows if row["name"].startswith("DEMO-risk"))
    office.run(
        "people", "revoke", "DEMO-risk-manager", "--key", key, "--reason", "the laptop was lost", "--since", "yesterday", code=2
    )
    office.run("people", "revoke", "DEMO-risk-manager", "--key", key, "--reason", "the laptop was lost")
    assert "has no key that counts now" in office.approve(POLICY, "DEMO-risk-manager", code=1)
    assert "no key" in office.run(
        "people", "revoke", "DEMO-risk-manager", "--key", key, "--reason", "the laptop was lost", code=1
    )


def test_a_broken_chain_is_not_signed_into(office):
    office.approve(POLICY, "DEMO-risk-manager")
    (office.project.root / HEAD).unlink()
    assert "SIG-CHAIN" in office.approve(POLICY, "DEMO-clinical-safety", code=1)
    assert "SIG-CHAIN" in office.project.codes()


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed; the form is tested without it too")
def test_a_key_that_lies_elsewhere_signs_with_ssh_keygen(office, tmp_path):
    key, message = tmp_path / "id", tmp_path / "message"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    office.run("people", "add", "DEMO-elsewhere", "--role", "clinical safety", "--public", f"{key}.pub")
    office.approve(POLICY, "DEMO-elsewhere", "--prepare", str(message))
    subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", "thoratrace", "-f", str(key), str(message)], check=True, capture_output=True
    )
    signature = ("--prepare", str(message), "--signature", f"{message}.sig")
    assert "the message is 'approved'" in office.approve("RC-001", "DEMO-elsewhere", *signature, code=1)
    office.approve(POLICY, "DEMO-elsewhere", *signature)
    assert office.project.codes() == []
    message.write_bytes(message.read_bytes().replace(b"in full", b"in part"))
    assert "SIG-SIGNATURE" in office.approve(POLICY, "DEMO-elsewhere", *signature, code=1)


def test_obligations_are_listed_entered_and_renewed(office):
    assert "0 smaller" in office.run("obligations", "status")
    office.project.replace("requirements_spec/data/architecture.toml", 'safety_class = "C"', 'safety_class = "B"')
    assert "SWS-TINY: safety class" in office.run("obligations", "status", code=1)
    said = json.loads(runner.invoke(app, ["obligations", "status", "--json"]).stdout)
    assert [(each["code"], each["entered"]) for each in said["smaller"]] == [("OBL-CLASS", False)]
    why = ("--author", "DEMO-author", "--reason", "the system was classified again")
    assert "0 open reductions" in office.run("obligations", "enter", "SWS-*", *why, code=1)
    assert "OBR-001" in office.run("obligations", "enter", "SWS-TINY: safety class", *why)
    assert "OBL-CLASS" not in office.project.codes()
    office.run("obligations", "renew", *why)
    assert "0 smaller" in office.run("obligations", "status")
    assert "approved by nobody" in office.release("OBL-UNSIGNED")["verification/obligations.toml"]
    office.approve("OBR-001", "DEMO-risk-manager")
    office.approve("OBR-001", "DEMO-clinical-safety")
    assert office.release("OBL-UNSIGNED") == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["obligations", "renew", "--author", "DEMO-author", "--reason", "because"], "at least 20"),
        (["obligations", "enter", "x", "--author", "a;b", "--reason", "the system was classified again"], "letters, digits"),
    ],
)
def test_a_reason_or_an_author_that_says_nothing_is_a_wrong_use(office, arguments, said):
    assert said in office.run(*arguments, code=2)
