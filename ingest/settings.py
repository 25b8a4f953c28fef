"""Settings of ingest, from the environment (`HAIDANG_...`) only."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ingest.errors import SettingsError
from ingest.limits import Limits
from ingest.slots import Slot
from ingest.tls import TlsFiles
from store.usage import settings_of


class IngestSettings(BaseSettings):
    """What ingest needs to know; every field is also `HAIDANG_<FIELD>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="HAIDANG_", frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str = Field(description="database, postgresql://haidang_ingest:password@host:port/name")
    broker_url: str = Field(default="mqtt://127.0.0.1:1883", description="broker, mqtt://user:password@host:port")
    broker_ca_file: Path | None = Field(default=None, description="CA certificate for mqtts://")
    broker_cert_file: Path | None = Field(default=None, description="our client certificate for mqtts://")
    broker_key_file: Path | None = Field(default=None, description="private key of the client certificate")
    broker_key_password: SecretStr = Field(default=SecretStr(""), description="password of that key, if it has one")
    mapping_path: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description=f"mapping files, or folders with mapping.yaml files, separated by {os.pathsep!r}"
    )
    ingest_client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = Field(
        default="haidang-ingest", description="stable name of this ingest at the broker: its sessions hang on it"
    )
    ingest_workers: int = Field(default=1, ge=1, le=64, description="processes that share the work")
    ingest_sharing: Literal["auto", "broker", "own"] = Field(
        default="auto",
        description="several workers: topics are shared out by the broker, by themselves, or as it suits the broker",
    )
    ingest_lease_s: float = Field(
        default=10.0, ge=1, le=600, description="silence after which a holder's session may be taken over, seconds"
    )
    ingest_hang_s: float = Field(
        default=60.0, ge=1, le=3600, description="a worker without a sign of life for longer is started anew, seconds"
    )
    ingest_slot: int = Field(default=0, ge=0, description="set by the supervisor: which of the slots this process is")
    ingest_slots: int = Field(default=1, ge=1, description="set by the supervisor: how many slots there are")
    ingest_holder: str = Field(default="", description="set by the supervisor: who holds the sessions")
    ingest_drain: str = Field(default="", description="set by the supervisor: slots whose sessions are to be emptied")
    ingest_batch_values: int = Field(default=10_000, ge=1, le=200_000, description="values that close a batch")
    ingest_batch_age_s: float = Field(default=0.2, gt=0, le=10, description="age that closes a batch, seconds")
    ingest_receive_maximum: int = Field(default=30_000, ge=1, le=65_535, description="window told to the broker")
    ingest_held_messages: int = Field(default=40_000, ge=1, description="messages held at most, whatever is sent")
    ingest_held_bytes: int = Field(default=64 << 20, ge=1 << 20, description="memory of what is held, bytes at most")
    ingest_session_expiry_s: int = Field(
        default=604_800, ge=0, le=0xFFFF_FFFE, description="how long the broker keeps messages for us, seconds"
    )
    ingest_packet_bytes: int = Field(default=16 << 20, ge=1 << 20, description="packets the broker may send at most")
    ingest_payload_bytes: int = Field(default=1 << 20, ge=1024, description="a larger payload is refused")
    sparkplug: Literal["primary", "secondary", "off"] = Field(
        default="primary", description="Sparkplug B: as primary host (says STATE), as another listener, or not"
    )
    sparkplug_host_id: Annotated[str, Field(pattern=r"^[^/+#\x00]{1,64}$")] = Field(
        default="haidang", description="name of the primary host, which edge nodes are configured to wait for"
    )
    sparkplug_rebirth_s: float = Field(
        default=30.0, ge=0, description="a node is asked for a rebirth at most once in so many seconds, 0 = never"
    )
    sparkplug_rebirths_per_s: float = Field(
        default=10.0, gt=0, description="rebirths asked of all nodes together, per second"
    )
    umh: Literal["on", "off"] = Field(
        default="on", description="UMH topics (umh/v1/.../_historian, _raw): read without a mapping, or not"
    )
    ingest_future_s: int = Field(default=600, ge=0, description="a time further ahead is refused, seconds")
    ingest_new_days_per_hour: int = Field(default=400, ge=1, description="unknown days a device may open in an hour")
    ingest_texts_per_series: int = Field(default=10_000, ge=1, description="new texts that one series may bring")
    ingest_rejected_days: int = Field(
        default=90, ge=0, description="refused messages that were replayed, put aside or of no known site, 0 = for ever"
    )
    ingest_unknown_bytes: int = Field(
        default=1 << 30, ge=0, description="of messages of no known site the newest are kept, bytes at most"
    )
    ingest_outage_s: float = Field(default=5.0, gt=0, description="without the database for longer: leave the broker")
    ingest_metrics_host: str = Field(default="127.0.0.1", description="address of the Prometheus metrics")
    ingest_metrics_port: int = Field(default=0, ge=0, le=65_535, description="port of the metrics, 0 = none")
    log_format: Literal["text", "json"] = Field(default="text", description="log lines for people or for machines")

    @field_validator("mapping_path", mode="before")
    @classmethod
    def _paths(cls, value: Any) -> Any:
        return tuple(Path(part) for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("broker_url")
    @classmethod
    def _is_broker(cls, value: str) -> str:
        parts = urlsplit(value)
        try:
            has_port = parts.port is None or parts.port > 0
        except ValueError:
            has_port = False
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or not has_port:
            raise ValueError("must be of the form mqtt://user:password@host:port or mqtts://...")
        return value

    @model_validator(mode="after")
    def _identity_is_whole(self) -> Self:
        given = [self.broker_cert_file is not None, self.broker_key_file is not None]
        if any(given) and not self.broker_url.startswith("mqtts:"):
            raise ValueError("a client certificate (HAIDANG_BROKER_CERT_FILE) needs mqtts:// in HAIDANG_BROKER_URL")
        if any(given) and not all(given):
            raise ValueError("HAIDANG_BROKER_CERT_FILE and HAIDANG_BROKER_KEY_FILE belong together: set both")
        return self

    @property
    def slot(self) -> Slot:
        is_own = self.ingest_slots > 1 and self.ingest_sharing == "own"
        return Slot(self.ingest_client_id, self.ingest_slot, self.ingest_slots, is_own)

    def of_slot(self, slot: Slot) -> Self:
        """The same settings for another slot of this ingest."""
        sharing = "own" if slot.is_own else "broker"
        return self.model_copy(update={"ingest_slot": slot.number, "ingest_slots": slot.of, "ingest_sharing": sharing})

    @property
    def is_child(self) -> bool:
        """Whether another process of ours watches over this one."""
        return self.ingest_holder != ""

    @property
    def broker(self) -> SplitResult:
        return urlsplit(self.broker_url)

    @property
    def tls(self) -> TlsFiles | None:
        """The files of the TLS connection to the broker; none for mqtt://."""
        if self.broker.scheme != "mqtts":
            return None
        return TlsFiles(
            self.broker_ca_file,
            self.broker_cert_file,
            self.broker_key_file,
            self.broker_key_password.get_secret_value(),
        )

    @property
    def limits(self) -> Limits:
        return Limits(
            payload_bytes=self.ingest_payload_bytes,
            future_us=self.ingest_future_s * 1_000_000,
            new_days_per_hour=self.ingest_new_days_per_hour,
            texts_per_series=self.ingest_texts_per_series,
        )


def read_settings(**given: Any) -> IngestSettings:
    """Settings from arguments and the environment.

    Raises:
        SettingsError: names each variable that is missing or wrong.
    """
    return settings_of(IngestSettings, "ingest", SettingsError, given)
