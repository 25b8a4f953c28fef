"""TLS towards the broker, for whatever publishes: settings from the environment in, a context out."""

import ssl
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from simulators.errors import SettingsError


class BrokerTls(BaseSettings):
    """Files of a TLS connection; every field is also `HAIDANG_<FIELD>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="HAIDANG_", frozen=True, extra="ignore", env_ignore_empty=True)

    broker_ca_file: Path | None = Field(default=None, description="CA certificate for mqtts://")
    broker_cert_file: Path | None = Field(default=None, description="our client certificate for mqtts://")
    broker_key_file: Path | None = Field(default=None, description="private key of the client certificate")
    broker_key_password: SecretStr = Field(default=SecretStr(""), description="password of that key, if it has one")

    @model_validator(mode="after")
    def _identity_is_whole(self) -> Self:
        if (self.broker_cert_file is None) != (self.broker_key_file is None):
            raise ValueError("HAIDANG_BROKER_CERT_FILE and HAIDANG_BROKER_KEY_FILE belong together: set both")
        return self

    def context(self) -> ssl.SSLContext:
        """Read the files: TLS 1.2 or newer, certificate and host name of the broker are checked.

        Raises:
            SettingsError: a file is not usable.
        """
        try:
            made = ssl.create_default_context(cafile=self.broker_ca_file)
            made.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.broker_cert_file is not None:
                # A password is always given, else OpenSSL asks for it on the terminal.
                made.load_cert_chain(
                    self.broker_cert_file, self.broker_key_file, self.broker_key_password.get_secret_value
                )
        except (OSError, ValueError) as error:
            names = [str(f) for f in (self.broker_ca_file, self.broker_cert_file, self.broker_key_file) if f]
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not in PEM form"
            raise SettingsError(
                f"the TLS files ({', '.join(names)}) cannot be used: {reason}; see HAIDANG_BROKER_CA_FILE, "
                "HAIDANG_BROKER_CERT_FILE, HAIDANG_BROKER_KEY_FILE and HAIDANG_BROKER_KEY_PASSWORD"
            ) from error
        return made
