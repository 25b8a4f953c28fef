import pytest
from pydantic import ValidationError

from api.settings import ApiSettings, explain

SECRET = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HAIDANG_DATABASE_URL", "HAIDANG_SESSION_SECRET", "HAIDANG_API_HOST", "HAIDANG_API_PORT"):
        monkeypatch.delenv(name, raising=False)


def read() -> ApiSettings:
    return ApiSettings()  # type: ignore[call-arg]  # from the environment


def test_listens_on_this_machine_only_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAIDANG_DATABASE_URL", "postgresql://x")
    monkeypatch.setenv("HAIDANG_SESSION_SECRET", SECRET)
    settings = read()
    assert (settings.api_host, settings.api_port) == ("127.0.0.1", 8000)
    assert SECRET not in repr(settings)


def test_nothing_secret_has_a_default() -> None:
    with pytest.raises(ValidationError) as error:
        read()
    sentence = explain(error.value)
    assert "HAIDANG_DATABASE_URL" in sentence
    assert "HAIDANG_SESSION_SECRET" in sentence


@pytest.mark.parametrize("placeholder", ["", "changeme", "x" * 64, "secret"])
def test_a_placeholder_is_no_secret(monkeypatch: pytest.MonkeyPatch, placeholder: str) -> None:
    monkeypatch.setenv("HAIDANG_DATABASE_URL", "postgresql://x")
    monkeypatch.setenv("HAIDANG_SESSION_SECRET", placeholder)
    with pytest.raises(ValidationError, match="32 random characters"):
        read()
