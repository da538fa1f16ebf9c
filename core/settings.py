"""Settings by concern, one environment prefix each; ``.env.example`` lists them all.

Every value may also come from a file: ``AUTH_KEY_FILE=/run/secrets/key`` sets ``AUTH_KEY`` to the
file's content without its trailing newline. Settings are built at the edge of a process and passed down.
"""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)


class _FileSource(EnvSettingsSource):
    """Reads ``<PREFIX><NAME>_FILE``: the path of a file that holds the value."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{self.env_prefix}{field_name}_FILE".upper()
        path = os.environ.get(variable)
        value = Path(path).read_text(encoding="utf-8").rstrip("\n") if path else None
        return value, field_name, False


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FileSource(settings_cls)


class DatabaseSettings(_Settings):
    """The staging database: SQLite by default, MySQL 8 or MariaDB by URL (``mysql+pymysql://…``)."""

    model_config = SettingsConfigDict(env_prefix="DB_")

    url: SecretStr = SecretStr("sqlite:///data/var/etalon.db")
    pool_size: int = Field(default=10, ge=1, le=100)
    lock_timeout_s: int = Field(default=10, ge=1, le=120, description="longest wait for another's lock or connection")
    answer_timeout_s: int = Field(default=20, ge=2, le=600, description="MySQL: longest silence of the server")
    tls_ca: Path | None = Field(default=None, description="MySQL: this authority must have signed the server's name")

    @model_validator(mode="after")
    def _silence_outlasts_a_lock(self) -> Self:
        if self.answer_timeout_s <= self.lock_timeout_s:
            raise ValueError("DB_ANSWER_TIMEOUT_S must be more than DB_LOCK_TIMEOUT_S: a lock is waited for in silence")
        return self


class StoreSettings(_Settings):
    """Where images, the training store, the feature cache and packages live."""

    model_config = SettingsConfigDict(env_prefix="STORE_")

    root: Path = Path("data/var")
    reserve_products: int = Field(
        default=500,
        ge=0,
        le=100_000,
        description="unlabelled products that an import keeps for whoever wants to try one",
    )

    @property
    def images(self) -> Path:
        """Folder of sanitised product photos, one file per sha256."""
        return self.root / "images"

    @property
    def training(self) -> Path:
        """Folder of segments, manifests and the derived ``training.csv``."""
        return self.root / "training"

    @property
    def features(self) -> Path:
        """Folder of cached features, one folder per encoder sha."""
        return self.root / "features"

    @property
    def packages(self) -> Path:
        """Folder of packaged encoders and models, one folder per sha."""
        return self.root / "packages"

    @property
    def archive(self) -> Path:
        """Folder of rejected products, where no Google Drive is configured."""
        return self.root / "archive"

    @property
    def runs(self) -> Path:
        """Folder of training runs' working files, one folder per run key."""
        return self.root / "runs"

    @property
    def reports(self) -> Path:
        """Folder of the monthly reports, one HTML file each."""
        return self.root / "reports"

    @property
    def reserve(self) -> Path:
        """Folder of unlabelled products that may be suggested to whoever has none of their own."""
        return self.root / "reserve"


class RetentionSettings(_Settings):
    """What stays on the disk: the policy of retention (docs/retention.md)."""

    model_config = SettingsConfigDict(env_prefix="STORE_KEEP_")

    epochs: int = Field(default=20, ge=2, description="newest epochs of the ledger whose packages stay")
    days: int = Field(default=30, ge=8, description="what was made or asked for since then stays, whoever names it")
    logs_days: int = Field(default=60, ge=2, description="Airflow's task logs and TensorBoard's")
    rejected_days: int | None = Field(
        default=None, ge=1, description="None: archived products keep their text and photo; else erased after that"
    )
    budgets_gib: str = Field(
        default="features=20,packages=50,runs=20", description="folders of the store that may hold no more: a warning"
    )

    @property
    def budgets(self) -> dict[str, int]:
        """Bytes that a folder of the store may hold, by its name."""
        parts = [part.partition("=") for part in self.budgets_gib.split(",") if part.strip()]
        return {name.strip(): int(float(size) * 2**30) for name, _, size in parts}

    @field_validator("budgets_gib")
    @classmethod
    def _names_sizes(cls, value: str) -> str:
        for part in value.split(",") if value.strip() else []:
            name, _, size = part.partition("=")
            if not name.strip() or "/" in name or not float(size) > 0:
                raise ValueError(f"budgets read folder=GiB, comma by comma. Received: {part!r}")
        return value


_PAGE = r"^https?://[^\s/?#]+(/[^\s?#]*)?$"


class ServingSettings(_Settings):
    """The HTTP service."""

    model_config = SettingsConfigDict(env_prefix="SERVING_")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    poll_s: float = Field(default=0.25, ge=0.05, le=60, description="seconds between two looks at the release epoch")
    max_upload_bytes: int = Field(default=10 * 1024 * 1024, ge=1024)
    max_image_pixels: int = Field(default=25_000_000, ge=1)
    decoders: int = Field(default=2, ge=1, le=64, description="processes that decode photos, one at a time each")
    decode_timeout_s: float = Field(default=10.0, gt=0, le=120, description="what takes longer is no photo")
    max_in_flight: int = Field(default=0, ge=0, le=1024, description="predictions at once; 0: one more than the cores")
    latency_budget_s: float = Field(default=2.0, gt=0, le=60, description="longest a prediction waits for its place")
    request_deadline_s: float = Field(default=30.0, ge=1, le=600, description="from a whole request to its answer")
    hold_back_s: float = Field(default=60.0, ge=1, le=3600, description="longest a change may take to be committed")
    drain_grace_s: float = Field(default=0.5, ge=0, le=300, description="from SIGTERM until nobody new is let in")
    workers: int = Field(default=1, ge=1, le=64, description="processes that share the socket")
    trusted_proxies: str = Field(default="", description="addresses and networks whose X-Forwarded-For is believed")
    inference_threads: int = Field(default=0, ge=0, le=256, description="0: as many as the machine has cores")
    log_level: str = "INFO"
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=1, le=65535, description="None: no figures are served")
    mlflow_page: str | None = Field(default=None, pattern=_PAGE, description="where people's browsers find MLflow")
    airflow_page: str | None = Field(default=None, pattern=_PAGE, description="where people's browsers find Airflow")
    grafana_page: str | None = Field(default=None, pattern=_PAGE, description="where people's browsers find Grafana")

    def places(self) -> int:
        """Predictions that one worker works on at once. One more than its cores: one may wait for the disk."""
        return self.max_in_flight or max(1, len(os.sched_getaffinity(0)) // self.workers) + 1

    @field_validator("trusted_proxies")
    @classmethod
    def _names_networks(cls, value: str) -> str:
        for part in value.split(",") if value else []:
            ip_network(part.strip())  # raises ValueError, which names it: a proxy's address is no secret
        return value


class ModelSettings(_Settings):
    """Which pretrained weights the encoders load; nothing falls back silently."""

    model_config = SettingsConfigDict(env_prefix="MODEL_")

    text_encoder: str = Field(
        default="minilm", description="'minilm' (offline package), a name on the hub, or a folder"
    )
    image_weights: str = Field(
        default="random", description="'random', 'imagenet' or a .weights.h5 file, then ',xception=…'"
    )


class TrainSettings(_Settings):
    """Training jobs."""

    model_config = SettingsConfigDict(env_prefix="TRAIN_")

    config: Path = Path("training/config.toml")
    tracking_uri: str = "http://127.0.0.1:5000"
    experiment: str = "etalon"
    tune_halves: str = Field(
        default="text,image",
        pattern=r"^(none|(text|image)(,(text|image))?)$",
        description="encoders that full_training tunes",
    )
    tune_max_steps: int | None = Field(default=None, ge=1, description="batches of each at most; None: all epochs")


class AuthSettings(_Settings):
    """Accounts and tokens."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    key: SecretStr = Field(description="at least 32 bytes; of several, one a line, the first signs and all verify")
    key_file: Path | None = Field(default=None, description="holds the key; read again whenever it changes")
    token_minutes: int = Field(default=15, ge=1, le=60)
    session_idle_minutes: int = Field(default=60, ge=1, le=24 * 60, description="a browser's session without a request")
    session_hours: int = Field(default=12, ge=1, le=7 * 24, description="longest that a browser's session lasts")
    secure_cookies: bool = Field(default=False, description="true: browsers send the cookie by https only")
    issuer: str = "etalon"
    audience: str = "etalon-api"
    requests_per_minute: int = Field(default=600, ge=1, le=10_000_000, description="of one account or API key")
    failures_per_address: int = Field(default=100, ge=10, le=1_000_000, description="sign-ins in a quarter of an hour")
    registrations_per_address: int = Field(default=20, ge=1, le=1_000_000, description="names asked for in an hour")


class DriveSettings(_Settings):
    """Google Drive, where rejected products are archived; without credentials they go to a folder of the store."""

    model_config = SettingsConfigDict(env_prefix="DRIVE_")

    credentials: SecretStr | None = Field(default=None, description="JSON: a service account's key, or a user's")
    folder: str | None = Field(default=None, description="id of the folder, the last part of its address")
    endpoint: str = Field(default="https://www.googleapis.com/", pattern=r"^https?://.+/$")

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.credentials is None) != (self.folder is None):
            raise ValueError("DRIVE_CREDENTIALS and DRIVE_FOLDER are set together, or neither")
        return self


class GateSettings(_Settings):
    """The promotion gate's policy file."""

    model_config = SettingsConfigDict(env_prefix="GATE_")

    policy: Path = Path("mlflow/gate.toml")


class LoopSettings(_Settings):
    """When verdicts become a retraining, and where the orchestrator is."""

    model_config = SettingsConfigDict(env_prefix="LOOP_")

    min_rows: int = Field(default=300, ge=1, description="validated rows worth a retraining")
    max_age_s: int = Field(default=24 * 3600, ge=0, description="oldest waiting row that forces one anyway")
    lease_s: int = Field(default=300, ge=1, le=86400, description="how long a product is kept for one reviewer")
    skip_s: int = Field(default=86400, ge=1, le=30 * 86400, description="how long who put a product aside is not asked")
    contradiction_confidence: float = Field(
        default=0.9, ge=0, le=1, description="from which confidence of the model on a label against it is doubted"
    )
    watch_verdicts: int = Field(default=200, ge=50, le=5000, description="newest verdicts that accuracy is read from")
    watch_min_accuracy: float = Field(default=0.70, ge=0, le=1, description="surely below it: alert and retrain")
    watch_inputs: int = Field(default=200, ge=50, le=2000, description="products of one window of the input")
    watch_false_alarms: float = Field(
        default=0.01, ge=0.002, le=0.2, description="share of windows in which nothing changed that alarm, each test"
    )
    report_min_verdicts: int = Field(default=100, ge=10, description="fewer in a month: nothing is concluded from them")
    report_false_alarms: float = Field(
        default=0.01, ge=0.0001, le=0.2, description="share of months that ask for a retraining though nothing changed"
    )
    wake_poll_s: float = Field(default=2.0, ge=0.1, le=600)
    airflow_url: str | None = Field(default=None, description="None: the DAG's own timetable is the only trigger")
    airflow_user: str = "etalon"
    airflow_password: SecretStr | None = None


class AlertSettings(_Settings):
    """Whom Airflow tells that a task failed; ``dags/notifiers`` reads them itself, as it imports nothing of ours."""

    model_config = SettingsConfigDict(env_prefix="LOOP_")

    alert_email: str = Field(default="", description="addresses, separated by commas")
    alert_webhook: SecretStr | None = Field(default=None, description="a chat's incoming webhook")
    smtp_url: SecretStr | None = Field(default=None, description="None: Airflow's connection smtp_default")


class CheckSettings(_Settings):
    """The service check; ``client`` and ``dags/service_check.py`` read it themselves: they import nothing of ours."""

    model_config = SettingsConfigDict(env_prefix="LOOP_")

    check_url: str = Field(default="http://127.0.0.1:8000", description="addresses; the first is checked every hour")
    check_customer: str = Field(default="canary", description="a customer's account that is for nothing else")
    check_customer_password: SecretStr | None = None
    check_reviewer: str = Field(default="canary-reviewer", description="a reviewer's account that is for nothing else")
    check_reviewer_password: SecretStr | None = None
