"""The private environment of a clone: settings handed on, stamps, the lock, its commands."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from qd_tool import commands, environment, places, settings, system_packages
from qd_tool.places import CLONE, QdError

HOLD_LOCK = """
import sys, time
from pathlib import Path
from qd_tool.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def start_holder(lock: Path, *, seconds: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(lock), str(seconds)],
        env={**settings.run_environment({}), "PYTHONPATH": str(CLONE / "tools")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


class TestPipSettings:
    def test_variables_win_over_files_and_install_over_global(self):
        listing = (
            ":env:.index-url='variable'\n"
            "global.index-url='file'\n"
            "global.cert='for all'\n"
            "install.cert='for install'\n"
            "download.timeout='7'\n"
        )
        assert settings.pip_settings(listing) == {"index-url": "variable", "cert": "for install"}

    def test_several_lines_become_words(self):
        listing = "global.find-links='/a\\n/b'\n"
        assert settings.pip_settings(listing) == {"find-links": "/a /b"}

    def test_nothing_configured(self):
        assert settings.pip_settings("") == {}


class TestUvEnvironment:
    def test_indexes_and_certificate_are_handed_on(self):
        pip = {"index-url": "A", "extra-index-url": "B", "cert": "C", "find-links": "d e"}
        handed = settings.uv_environment(pip, {})
        assert handed["UV_DEFAULT_INDEX"] == "A"
        assert handed["UV_EXTRA_INDEX_URL"] == "B"
        assert handed["SSL_CERT_FILE"] == "C"
        assert handed["UV_FIND_LINKS"] == "d,e"

    def test_uv_settings_of_the_user_win(self):
        own = {"UV_DEFAULT_INDEX": "mine", "SSL_CERT_FILE": "mine", "UV_CACHE_DIR": "mine"}
        handed = settings.uv_environment({"index-url": "A", "cert": "C"}, own)
        assert not handed.keys() & own.keys()

    def test_no_index_is_invented(self):
        assert not any("INDEX" in name for name in settings.uv_environment({}, {}))

    def test_cache_stays_in_the_clone(self):
        assert Path(settings.uv_environment({}, {})["UV_CACHE_DIR"]).is_relative_to(CLONE)


class TestRunEnvironment:
    def test_foreign_packages_are_shut_out(self):
        own = settings.run_environment({"PYTHONPATH": "/other", "VIRTUAL_ENV": "/other", "A": "1"})
        assert own.keys() >= {"A", "PYTHONNOUSERSITE", "NUMBA_CACHE_DIR", "PYTHONPYCACHEPREFIX"}
        assert not own.keys() & {"PYTHONPATH", "VIRTUAL_ENV"}

    def test_tests_write_their_settings_into_the_clone(self):
        own = settings.test_environment({"XDG_CONFIG_HOME": "/home/someone/.config"})
        folders = [Path(value) for name, value in own.items() if name.startswith("XDG_")]
        assert len(folders) == 4
        assert all(folder.is_relative_to(CLONE) for folder in folders)


NAMES = ("base", "test", "docs")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose installing commands are replaced by ones that only make files."""
    clone = tmp_path / "a clone"
    for file in ("pyproject.toml", *(f"requirements/{name}.txt" for name in NAMES)):
        (clone / file).parent.mkdir(parents=True, exist_ok=True)
        (clone / file).write_text(file, encoding="utf-8")
    home = clone / ".qd"
    python = home / "env" / "python"
    monkeypatch.setattr(environment, "CLONE", clone)
    monkeypatch.setattr(environment, "HOME", home)
    monkeypatch.setattr(environment, "ENVIRONMENT", home / "env")
    monkeypatch.setattr(environment, "PYTHON", python)
    return clone


class Installer:
    """Stands for pip and uv: records what it was asked, and fails or is interrupted on demand."""

    def __init__(self, clone: Path) -> None:
        self.asked: list[str] = []
        self.commands: list[list[str]] = []
        self.trouble: dict[str, BaseException] = {}
        self.clone = clone

    def __call__(self, what: str, command: list[str], **_: object) -> None:
        self.asked.append(what)
        self.commands.append(command)
        if what == "pip":
            program = Path(command[command.index("--target") + 1]) / "bin" / "uv"
            program.parent.mkdir(parents=True)
            program.touch()
        if what == "uv venv":
            (self.clone / ".qd" / "env").mkdir()
            (self.clone / ".qd" / "env" / "python").touch()
        if what in self.trouble:
            raise self.trouble.pop(what)


@pytest.fixture
def installer(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Installer:
    installer = Installer(clone)
    monkeypatch.setattr(environment, "run_quietly", installer)
    return installer


ALL_STEPS = ["pip", "uv venv", "uv pip install", "uv pip install -e"]


class TestPrepare:
    def test_first_use_makes_it_and_the_second_does_nothing(self, installer: Installer):
        environment.prepare()
        assert installer.asked == ALL_STEPS
        environment.prepare()
        assert installer.asked == ALL_STEPS

    @pytest.mark.parametrize("step", ALL_STEPS)
    def test_interrupted_anywhere_it_is_made_anew(self, installer: Installer, step: str):
        installer.trouble[step] = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            environment.prepare()
        assert not environment.is_ready("base")
        installer.asked.clear()
        environment.prepare()
        assert environment.is_ready("base")
        assert installer.asked[-3:] == ALL_STEPS[1:]

    def test_changed_requirements_make_it_anew(self, clone: Path, installer: Installer):
        environment.prepare()
        installer.asked.clear()
        (clone / "requirements" / "base.txt").write_text("other", encoding="utf-8")
        environment.prepare()
        assert installer.asked == ALL_STEPS[1:]

    def test_a_python_that_went_away_makes_it_anew(self, clone: Path, installer: Installer):
        environment.prepare()
        (clone / ".qd" / "env" / "python").unlink()
        assert not environment.is_ready("base")

    def test_tests_are_added_to_what_is_there(self, installer: Installer):
        environment.prepare()
        installer.asked.clear()
        environment.prepare("test")
        assert installer.asked == ALL_STEPS[2:]

    def test_tests_first_serve_the_base_too(self, installer: Installer):
        environment.prepare("test")
        assert environment.is_ready("base")

    @pytest.mark.parametrize("name", NAMES)
    def test_whichever_is_first_everything_of_the_base_is_installed(
        self, clone: Path, installer: Installer, name: str
    ):
        environment.prepare(name)
        pinned = installer.commands[ALL_STEPS.index("uv pip install")]
        files = [pinned[place + 1] for place, word in enumerate(pinned) if word == "-r"]
        assert {str(clone / "requirements" / f"{each}.txt") for each in ("base", name)} == set(
            files
        )

    def test_changed_test_requirements_leave_the_base_alone(
        self, clone: Path, installer: Installer
    ):
        environment.prepare("test")
        (clone / "requirements" / "test.txt").write_text("other", encoding="utf-8")
        assert environment.is_ready("base")
        assert not environment.is_ready("test")

    def test_without_pip_the_uv_of_the_user_serves(
        self, installer: Installer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
    ):
        installer.trouble["pip"] = QdError("pip failed")
        monkeypatch.setattr(environment.shutil, "which", lambda name: f"/usr/bin/{name}")
        environment.prepare()
        assert environment.is_ready("base")
        assert "pip failed; using /usr/bin/uv" in capsys.readouterr().err

    def test_without_pip_and_uv_one_line_says_what_to_do(
        self, installer: Installer, monkeypatch: pytest.MonkeyPatch
    ):
        installer.trouble["pip"] = QdError("pip failed")
        monkeypatch.setattr(environment.shutil, "which", lambda name: None)
        with pytest.raises(QdError, match=r"pip failed\. Put a uv program on the PATH") as caught:
            environment.prepare()
        assert "\n" not in str(caught.value)


class TestLock:
    def test_the_second_waits_for_the_first(self, tmp_path: Path):
        lock = tmp_path / "lock"
        with start_holder(lock, seconds=0.6) as first:
            assert read_line(first) == "held"
            held = time.monotonic()
            with start_holder(lock, seconds=0) as second:
                assert read_line(second) == "held"
                assert time.monotonic() - held > 0.3
                assert second.stderr is not None
                assert "waiting for another qd" in second.stderr.read()

    def test_a_killed_owner_holds_nothing(self, tmp_path: Path):
        lock = tmp_path / "lock"
        with start_holder(lock, seconds=60) as first:
            assert read_line(first) == "held"
            first.kill()
        with start_holder(lock, seconds=0) as second:
            assert read_line(second) == "held"


class TestCommands:
    def test_pytest_is_given_everything_that_is_not_qds(self):
        command = commands.pytest_command(["--fast", "tests/unit", "--system-packages", "-x"], 1)
        assert command[1:] == ["-m", "pytest", "-rs", "-m", "not slow", "tests/unit", "-x"]

    def test_more_cores_more_workers(self):
        command = commands.pytest_command([], 2)
        assert command[command.index("-n") + 1] == "2"

    def test_an_unknown_benchmark_is_named(self, capsys: pytest.CaptureFixture):
        assert commands.start(["bench", "no-such"]) == 2
        assert "found no benchmark 'no-such'" in capsys.readouterr().err

    def test_lint_takes_no_arguments(self, capsys: pytest.CaptureFixture):
        assert commands.start(["lint", "qdimage"]) == 2
        assert capsys.readouterr().err.count("\n") == 1

    @pytest.mark.parametrize("words", [["one", "two"], ["--fast"]])
    def test_the_site_takes_one_folder(self, words: list[str], capsys: pytest.CaptureFixture):
        assert commands.start(["docs", *words]) == 2
        assert "expected one folder or nothing" in capsys.readouterr().err

    def test_a_warning_of_the_site_is_an_error(self, tmp_path: Path):
        command = commands.site_command(tmp_path)
        assert "--fail-on-warning" in command
        assert command[-2:] == [str(CLONE / "docs"), str(tmp_path)]

    def test_ctrl_c_has_its_own_exit_code(self, monkeypatch: pytest.MonkeyPatch):
        def interrupted() -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(commands, "prepare", interrupted)
        assert commands.start(["options"]) == 130

    @pytest.mark.skipif(places.WINDOWS, reason="execve needs POSIX")
    def test_exit_code_and_arguments_pass_through(self, tmp_path: Path):
        child = (
            "import sys; sys.path.insert(0, sys.argv[1]);"
            "from qd_tool.processes import become;"
            "become([sys.executable, '-c', 'import sys; sys.exit(len(sys.argv[1]))', 'a b'], {})"
        )
        words = [sys.executable, "-c", child, str(CLONE / "tools")]
        assert subprocess.run(words, check=False, cwd=tmp_path).returncode == 3


class TestSystemPackages:
    def test_only_what_is_missing(self):
        everything = [f"installed|{name}|" for name in system_packages.GUI_PACKAGES]
        everything[-2] = "not-installed|xvfb|"
        assert system_packages.missing_packages("\n".join(everything)) == ["xvfb"]

    def test_a_renamed_library_counts_by_what_it_provides(self):
        line = "installed|libglib2.0-0t64|libglib2.0-0 (= 2.80.0-6)"
        assert "libglib2.0-0" not in system_packages.missing_packages(line)

    def test_a_browser_comes_where_there_is_none(self, monkeypatch: pytest.MonkeyPatch):
        asked: list[list[str]] = []
        there = {"apt-get", "dpkg-query"}
        everything = "\n".join(f"installed|{name}|" for name in system_packages.GUI_PACKAGES)
        monkeypatch.setattr(system_packages.shutil, "which", lambda name: name in there or None)
        monkeypatch.setattr(system_packages, "_installed", lambda: everything)
        monkeypatch.setattr(system_packages, "_is_debian", lambda: True)
        monkeypatch.setattr(
            system_packages, "run_quietly", lambda name, command, **_: asked.append(command)
        )
        system_packages.install_system_packages()
        assert asked[-1][-1] == "chromium"
        asked.clear()
        there.add("google-chrome")
        system_packages.install_system_packages()
        assert asked == []

    def test_elsewhere_the_option_is_refused(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(system_packages.shutil, "which", lambda name: None)
        with pytest.raises(QdError, match="found no apt-get"):
            system_packages.install_system_packages()
