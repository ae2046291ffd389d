"""A machine that is a demo, with a directory of its own for what the demo keeps."""

from contextvars import Context
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command


@pytest.fixture(autouse=True)
def demo_machine(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    settings.EMBEDDED = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setenv("FAIRWAY_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)
    return tmp_path / "var"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a management command and give what it printed."""

    def run(name: str, *arguments: str) -> str:
        capsys.readouterr()
        Context().run(call_command, name, *arguments)
        return capsys.readouterr().out

    return run
