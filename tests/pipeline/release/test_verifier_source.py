"""The source check of the stand-alone verifier: a real repository, and what can be done to one to pass another tree off as the recorded one."""

import subprocess

import pytest

from tests.pipeline.release.sealed import QUALITY, Sealed, canonical, commit, content_of, git, people_toml, sha256
from tests.pipeline.release.verdicts import verify

FILES = {
    "people.toml": content_of()["files/people.toml"],
    "requirements.lock": content_of()["files/requirements.lock"],
    "device.lock": content_of()["files/device.lock"],
    "device_sw/device.py": b"print('device')\n",
    "docs/a page.md": "# 胸部\n".encode(),
}


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "clone"
    folder.mkdir()
    return folder


@pytest.fixture
def sealed(tmp_path, repository):
    return Sealed(tmp_path, source=commit(repository, FILES))


def source(capsys, sealed, repository):
    verdict = verify(capsys, sealed.folder, "--repository", repository)
    return verdict.states["source"], verdict.by_check.get("source", set())


def test_the_commit_is_hashed_again(sealed, repository, capsys):
    assert source(capsys, sealed, repository) == ("GOOD", set())


def test_a_bare_clone_is_enough(sealed, repository, tmp_path, capsys):
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(tmp_path / "bare"))
    verdict = verify(capsys, sealed.folder, "--repository", tmp_path / "bare")
    assert (verdict.exit, verdict.states["source"], verdict.states["audit log"]) == (0, "GOOD", "NOT CHECKED")


def test_without_the_commit_it_does_not_hold(sealed, tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    commit(other, {"a.txt": b"a"})
    assert source(capsys, sealed, other) == ("FAILS", {"VER-SOURCE"})


def test_a_folder_that_is_no_repository_does_not_hold(sealed, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert source(capsys, sealed, tmp_path / "empty") == ("FAILS", {"VER-SOURCE"})


@pytest.mark.parametrize("what", ["commit", "tree", "files_sha256"])
def test_another_commit_tree_or_content_is_found(sealed, repository, what, capsys):
    said = sealed.statement["predicate"]["source"]
    said[what] = said[what][::-1]
    sealed.seal()
    assert source(capsys, sealed, repository) == ("FAILS", {"VER-SOURCE"})


@pytest.mark.parametrize("name", ["people.toml", "requirements.lock", "device.lock"])
def test_a_lock_that_is_not_the_commits_is_found(tmp_path, repository, name, capsys):
    made = commit(repository, FILES | {name: FILES[name] + b"# more\n"})
    assert source(capsys, Sealed(tmp_path, source=made), repository) == ("FAILS", {"VER-SOURCE"})


def test_an_executable_counts_as_one(tmp_path, repository, capsys):
    plain = commit(repository, FILES)
    (repository / "device_sw/device.py").chmod(0o755)
    program = commit(repository, {})
    modes = {name: ["100755" if name == "device_sw/device.py" else "100644", sha256(content)] for name, content in FILES.items()}
    told = Sealed(tmp_path / "told", source=program | {"files_sha256": sha256(canonical(modes))})
    assert source(capsys, told, repository) == ("GOOD", set())
    untold = Sealed(tmp_path / "untold", source=program | {"files_sha256": plain["files_sha256"]})
    assert source(capsys, untold, repository) == ("FAILS", {"VER-SOURCE"})


def evil(repository):
    """Return a commit whose device was changed."""
    Sealed.write(repository / "device_sw/device.py", b"print('evil')\n")
    git(repository, "add", "-A")
    git(repository, "-c", "user.name=D", "-c", "user.email=d@example.org", "commit", "-q", "-m", "evil")
    return git(repository, "rev-parse", "HEAD").strip()


def test_a_replaced_commit_does_not_mislead(sealed, repository, capsys):
    git(repository, "replace", sealed.statement["predicate"]["source"]["commit"], evil(repository))
    assert source(capsys, sealed, repository) == ("GOOD", set())


def test_a_replacement_cannot_be_passed_off_either(tmp_path, repository, capsys):
    """A record that was made while git was misled names files that the commit does not have."""
    honest = commit(repository, FILES)
    misled = commit(repository, FILES | {"device_sw/device.py": b"print('evil')\n"})
    sealed = Sealed(tmp_path, source=honest | {"files_sha256": misled["files_sha256"]})
    git(repository, "replace", honest["commit"], misled["commit"])
    assert source(capsys, sealed, repository) == ("FAILS", {"VER-SOURCE"})


def test_grafts_and_attributes_do_not_mislead(sealed, repository, capsys):
    recorded = sealed.statement["predicate"]["source"]["commit"]
    Sealed.write(repository / ".git/info/grafts", f"{recorded} {evil(repository)}\n".encode())
    Sealed.write(repository / ".git/info/attributes", b"* text eol=crlf export-ignore ident filter=evil\n")
    assert source(capsys, sealed, repository) == ("GOOD", set())


def test_variables_of_git_do_not_mislead(sealed, repository, tmp_path, monkeypatch, capsys):
    other = tmp_path / "other"
    other.mkdir()
    commit(other, {"a.txt": b"a"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))
    assert source(capsys, sealed, repository) == ("GOOD", set())


def test_an_object_under_a_false_name_is_found(sealed, repository, capsys):
    """Somebody who can write the object store puts another content under the blob's name; git itself may not look."""
    blob = git(repository, "rev-parse", "HEAD:device_sw/device.py").strip()
    done = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=repository, input=b"print('evil')\n", capture_output=True, check=True
    )
    false, true = (repository / ".git/objects" / name[:2] / name[2:] for name in (done.stdout.decode().strip(), blob))
    true.chmod(0o600)
    true.write_bytes(false.read_bytes())
    assert source(capsys, sealed, repository)[0] == "FAILS"


def test_nothing_in_a_hostile_repository_is_run(sealed, repository, tmp_path, capsys):
    """A partial clone fetches what is missing, by a command of its own settings."""
    marker = tmp_path / "was-run"
    settings = {
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"ext::sh -c touch% {marker}",
        "remote.origin.promisor": "true",
        "protocol.ext.allow": "always",
        "core.fsmonitor": f"touch {marker}",
    }
    for name, value in settings.items():
        git(repository, "config", name, value)
    blob = git(repository, "rev-parse", "HEAD:device_sw/device.py").strip()
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert source(capsys, sealed, repository)[0] == "FAILS"
    assert not marker.exists()


def test_git_that_is_not_there_is_exit_3(sealed, repository, monkeypatch, capsys):
    from pipeline.release import verifier

    monkeypatch.setenv("PATH", "")
    assert verifier.main([str(sealed.folder), "--repository", str(repository)]) == 3
    assert "git is needed" in capsys.readouterr().err


def test_a_pin_does_not_replace_the_source(sealed, repository, capsys):
    sealed.statement["predicate"]["source"]["files_sha256"] = "0" * 64
    sealed.seal()
    verdict = verify(capsys, sealed.folder, "--repository", repository, "--pin", QUALITY.key)
    assert (verdict.exit, verdict.states["authenticity"], verdict.by_check["source"]) == (1, "GOOD", {"VER-SOURCE"})


def test_people_of_another_commit_are_found(tmp_path, repository, capsys):
    made = commit(repository, FILES | {"people.toml": people_toml(QUALITY)})
    assert source(capsys, Sealed(tmp_path, source=made), repository) == ("FAILS", {"VER-SOURCE"})
