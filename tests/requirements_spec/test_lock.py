from requirements_spec.loader import load
from requirements_spec.lock import locked_versions, pins


def test_hash_lines_comments_and_ranges_are_no_pins():
    assert pins("# a==1\nb>=2\n    --hash=sha256:aa==3\n\nC.d_e==4.5 \\\n") == {"c-d-e": "4.5"}


def test_the_interpreter_comes_from_the_project_file(root):
    assert locked_versions(root)["python"].startswith(">=3.")


def test_a_soup_item_that_the_lock_does_not_pin_is_a_problem(project):
    lock = project / "requirements.lock"
    lock.write_text(lock.read_text().replace("\ntorchvision==", "\ntorchvision>="))
    _, problems = load(project)
    assert [(problem.code, problem.item) for problem in problems] == [("SPC-SOUP-UNLOCKED", "SOUP-TORCHVISION")]


def test_without_a_lock_no_soup_version_is_believed(project):
    (project / "requirements.lock").unlink()
    specification, problems = load(project)
    assert {problem.code for problem in problems} == {"SPC-FILE", "SPC-SOUP-UNLOCKED"}
    assert all(soup.version is None for soup in specification.soup)
