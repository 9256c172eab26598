"""A file with people's rows: its owner's alone from the first moment, whole or not there, and no kill leaves a part."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from vital import private_files


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def parts(folder: Path) -> list[Path]:
    return list(folder.glob("*.part"))


@pytest.fixture(autouse=True, params=[0o000, 0o022, 0o077], ids=oct)
def _umask(request: pytest.FixtureRequest) -> object:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_it_is_private_while_it_is_written_and_after(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    with private_files.lines(file) as text:
        text.write("a\r\n")
        assert [mode(part) for part in parts(tmp_path)] == [0o600]
        assert not file.exists()

    assert file.read_bytes() == b"a\r\n"
    assert mode(file) == 0o600
    assert not parts(tmp_path)


def test_what_failed_leaves_nothing_and_what_was_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    private_files.write(file, "before")

    with suppress(ZeroDivisionError), private_files.lines(file, replace=True) as text:
        text.write("half")
        raise ZeroDivisionError

    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_all_could_read_is_private_once_it_is_written_anew(tmp_path: Path) -> None:
    writes: list[Callable[[Path], object]] = [
        lambda file: private_files.write(file, "new"),
        lambda file: private_files.log(file, again=True).close(),
        lambda file: private_files.log(file).close(),
        lambda file: private_files.process_log(file).close(),
    ]
    for write in writes:
        file = tmp_path / "old"
        file.write_text("old")
        file.chmod(0o644)
        write(file)
        assert mode(file) == 0o600


def test_nothing_is_written_over_that_was_not_to_be_replaced(tmp_path: Path) -> None:
    file = tmp_path / "archive.zip"
    writing = private_files.whole(file)
    writing.__enter__().write_text("mine")
    file.write_text("somebody was faster")
    with pytest.raises(FileExistsError):
        writing.__exit__(None, None, None)

    assert file.read_text() == "somebody was faster"
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        private_files.write(tmp_path / "link", "x", replace=False)
    assert not (tmp_path / "nowhere").exists()
    assert not parts(tmp_path)


def test_a_link_is_followed_and_a_device_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real").write_text("old")
    private_files.write(tmp_path / "link", "new")
    private_files.write(Path("/dev/null"), "gone")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    assert Path("/dev/null").is_char_device()


WRITER = """
import sys, time
from pathlib import Path
from vital import private_files
with private_files.folder() as home, private_files.whole(Path(sys.argv[1])) as part:
    part.write_text("everybody's rows")
    print(home, flush=True)
    time.sleep(60)
"""


def test_what_a_kill_left_is_removed_by_the_next_and_what_is_at_work_stays(tmp_path: Path) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    environment = os.environ | {"TMPDIR": str(temp), "PYTHONPATH": str(ROOT)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / f"{name}.dump")],
            env=environment, stdout=subprocess.PIPE, text=True,
        )
        for name in ("killed", "alive")
    ]  # fmt: skip
    try:
        homes = [Path(((writer.stdout and writer.stdout.readline()) or "").strip()) for writer in writers]
        assert len(parts(tmp_path)) == 2
        writers[0].send_signal(signal.SIGKILL)
        writers[0].wait()
        (tmp_path / "somebody's.part").write_text("a download of another program's")
        next_one = "from vital import private_files as p\nwith p.folder(): p.write(p.Path('next.csv'), 'x')"
        subprocess.run([sys.executable, "-c", next_one], env=environment, cwd=tmp_path, check=True)

        assert [part.name.split(".")[0] for part in sorted(parts(tmp_path))] == ["alive", "somebody's"]
        assert [home.exists() for home in homes] == [False, True]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()


def test_many_begin_at_once_and_none_loses_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is there a moment before it is locked: who sweeps just then takes it for one that was left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def once(_: int) -> bool:
        with private_files.folder() as home:
            return home.exists()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(once, range(400)))
    assert not list(tmp_path.iterdir())


def test_a_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    private_files.write(tmp_path / ("ö" * 120 + ".csv"), "x")

    assert time.time() - next(tmp_path.iterdir()).stat().st_mtime < 60
