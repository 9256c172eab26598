"""Nothing in the repository knows the machine it was written on."""

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.source import tracked

# What gives a workplace away, and what to write instead.
WORDS = {
    r"/(work|workspace|workdir)/": "a path of one machine: build it from settings.BASE_DIR, or take it from the user",
    r"/tmp/(?!\.\.\.)[\w.-]+/\.venv": "somebody's virtual environment: `make setup` builds .venv in the repository",
    r"/(home|Users)/(?!USER\b|you\b|vital\b)[a-z][\w.-]*/": "somebody's home: write ~ or $HOME",
    r"/opt/(wheels|pypi[\w-]*)": "a mirror of packages: pip is configured outside of the repository",
    r"--(extra-)?index-url|--find-links|--trusted-host": "a registry: pip is configured outside of the repository",
    r"https?://[\w.-]*(artifactory|nexus|devpi|verdaccio|pypi-?(proxy|mirror|cache))[\w.:-]*": "a private registry",
    r"https?://[\w.-]+\.(internal|corp|lan|intranet)\b": "a host that nobody else reaches",
}
HERE = Path("tests/architecture/test_no_workplace_words.py")
BINARY = {".png", ".jpg", ".ico", ".woff2", ".gz", ".zip", ".dump"}


@pytest.mark.parametrize("word", WORDS)
def test_no_file_names_a_workplace(word: str) -> None:
    pattern = re.compile(word)
    found = [
        f"{file}:{number} {line.strip()[:100]}"
        for file in tracked()
        if file.suffix not in BINARY and file != HERE
        for number, line in enumerate((ROOT / file).read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]

    assert not found, f"This is {WORDS[word]}:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "see /work/main/x.py",
        "source /tmp/v/.venv/bin/activate",
        "cd /home/alice/vital",
        "--extra-index-url=file:///x",
        "pip install --index-url https://x",
        "https://nexus.example.com/repository/pypi",
        "http://builds.corp/simple",
        "find-links = /opt/wheels",
    ],
)
def test_the_words_are_found(line: str) -> None:
    assert any(re.search(word, line) for word in WORDS)


@pytest.mark.parametrize(
    "line", ["the work is done", "/var/lib/vital", "https://pypi.org/simple", "/tmp/vital.log", "~/x"]
)
def test_other_words_are_not(line: str) -> None:
    assert not any(re.search(word, line) for word in WORDS)


def test_vital_is_called_in_one_way() -> None:
    """`./manage.py` works as it is pasted, from a clean clone after `make setup`; `manage.py` alone is not found."""
    bare = re.compile(r"(?<![\w./])manage\.py (?=[a-z{])")
    by_path = re.compile(r"(python|PYTHON\)) manage\.py ")
    found = [
        f"{file}:{number} {line.strip()[:100]}"
        for file in tracked()
        if file.suffix in {".py", ".md", ".html", ".toml", ".sql"} and file.name != "CHANGELOG.md" and file != HERE
        for number, line in enumerate((ROOT / file).read_text(encoding="utf-8").splitlines(), start=1)
        if bare.search(line) and not by_path.search(line)
    ]

    assert not found, "Write ./manage.py:\n" + "\n".join(found)
