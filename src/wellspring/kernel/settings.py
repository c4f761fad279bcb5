"""Settings, from the environment (`WELLSPRING_…`); any secret may come from a file (`WELLSPRING_…_FILE`)."""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from wellspring.kernel.network import plain

_PREFIX = "WELLSPRING_"


class _FromFiles(PydanticBaseSettingsSource):
    """Reads `WELLSPRING_<NAME>_FILE` (or `DATABASE_URL_FILE`): the setting's value is the file's content."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        alias = field.validation_alias
        key = alias if isinstance(alias, str) else field_name
        named = os.environ.get(f"{_PREFIX}{field_name.upper()}_FILE") or os.environ.get(f"{key}_FILE")
        value = Path(named).read_text(encoding="utf-8").strip() if named else None
        return value, key, False

    def __call__(self) -> dict[str, Any]:
        found = [self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items()]
        return {key: value for value, key, _ in found if value is not None}


def _has_form(url: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


class Settings(BaseSettings):
    """Everything an operator sets. Without any of it the program runs for one machine, on loopback, from `data`."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    environment: Literal["production", "development", "demo", "test"] = "production"
    data: Path = Path("data")
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    keys: SecretStr | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str = ""
    web_processes: int = Field(default=1, ge=1, le=64)
    pool_size: int = Field(default=10, ge=1, le=100)
    trusted_proxy: str = ""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    smtp_url: SecretStr | None = None
    mail_from: str = "Wellspring <wellspring@localhost>"
    country: str = Field(default="US", pattern=r"^[A-Z]{2}$")
    language: Literal["en", "fr"] = "en"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    models: Path | None = None
    requests_per_minute: int = Field(default=600, ge=1)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order: arguments, files, environment."""
        return init_settings, _FromFiles(settings_cls), env_settings

    @field_validator("public_url")
    @classmethod
    def _is_site(cls, url: str) -> str:
        if url and not _has_form(url, "http", "https"):
            raise ValueError("write https://care.example.org")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not _has_form(url.get_secret_value(), "smtp", "smtps"):
            raise ValueError("write smtp://user:password@mail.example.org:587, or smtps://")
        return url

    @field_validator("trusted_proxy")
    @classmethod
    def _is_address(cls, address: str) -> str:
        try:
            return str(ip_address(plain(address))) if address else ""
        except ValueError:
            raise ValueError("write the address of the proxy in numbers, such as 127.0.0.1") from None

    @property
    def base_url(self) -> str:
        """Return the address people use, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url.rstrip("/") or f"http{'s' if self.tls_cert else ''}://{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Tell whether browsers reach us over TLS."""
        return self.base_url.startswith("https://")
