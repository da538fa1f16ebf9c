"""Tables. The prediction table is the staging table: a suggestion that never changes, and where it stands."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db.account_models import ApiKey as ApiKey
from core.db.account_models import RequestKey as RequestKey
from core.db.account_models import SignInDoor as SignInDoor
from core.db.account_models import UserAccount as UserAccount
from core.db.account_models import WebSession as WebSession
from core.db.base import AUTO_ID, MYSQL, SHA256, USER_TEXT, UUID
from core.db.base import Base as Base
from core.db.types import Timestamp, utc_now
from core.domain.language import Language


class Prediction(Base):
    """One product, the model's suggestion for it, and its state in the review.

    The suggestion columns never change after insert. ``current_code`` starts as the suggestion and is what
    validating accepts. The first claim that ingests the row decides ``cluster`` and ``split``, for good;
    ``segment`` is the newest one that holds it. A lease (``leased_by`` until ``leased_until``, by the
    database's clock) only keeps a product from being offered to two people; the version decides who wins.
    ``second_opinion`` marks an accepted label that looks wrong; ``doubted_code`` is the last label that was
    doubted, so that none is doubted twice. ``feedback`` is what its sender said of the answer.
    """

    __tablename__ = "prediction"
    __table_args__ = (
        UniqueConstraint("owner_id", "idempotency_key", name="uq_prediction_idempotency"),
        Index("ix_prediction_status", "status", "id"),
        # All that the review queue asks about: what matches nothing is found out in the index, not in 85,000 rows.
        Index(
            "ix_prediction_queue",
            *("status", "confidence", "id", "current_code", "language", "modality", "feedback", "created_at"),
            *("owner_id", "leased_until", "erase_requested_at"),
        ),
        Index("ix_prediction_owner", "owner_id", "id"),
        Index("ix_prediction_owner_updated", "owner_id", "updated_at", "id"),
        Index("ix_prediction_lease", "leased_by", "leased_until"),
        Index("ix_prediction_second_opinion", "second_opinion", "id"),
        Index("ix_prediction_feedback", "feedback", "id"),
        Index("ix_prediction_updated", "updated_at", "id"),
        Index("ix_prediction_code", "current_code", "status", "id"),
        Index("ix_prediction_model", "model_version", "epoch"),
        MYSQL,
    )

    id: Mapped[str] = mapped_column(UUID, primary_key=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    request_sha256: Mapped[str | None] = mapped_column(SHA256)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now(), onupdate=utc_now())

    designation: Mapped[str] = mapped_column(USER_TEXT)
    description: Mapped[str | None] = mapped_column(USER_TEXT)
    image_sha256: Mapped[str | None] = mapped_column(SHA256)
    modality: Mapped[str] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(8), server_default=Language.UNKNOWN.value)

    suggested_code: Mapped[int] = mapped_column(Integer)
    confidence: Mapped[float] = mapped_column(Double)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    model_name: Mapped[str] = mapped_column(String(64))
    model_version: Mapped[str] = mapped_column(SHA256)
    epoch: Mapped[int] = mapped_column(Integer)
    taxonomy_version: Mapped[str] = mapped_column(String(12))

    status: Mapped[str] = mapped_column(String(16), default="pending")
    version: Mapped[int] = mapped_column(Integer, default=1)
    current_code: Mapped[int] = mapped_column(Integer)

    segment: Mapped[int | None] = mapped_column(Integer, index=True)
    cluster: Mapped[str | None] = mapped_column(String(64))
    split: Mapped[str | None] = mapped_column(String(16))

    leased_by: Mapped[str | None] = mapped_column(UUID)
    leased_until: Mapped[datetime | None] = mapped_column(Timestamp)
    erase_requested_at: Mapped[datetime | None] = mapped_column(Timestamp)

    second_opinion: Mapped[bool] = mapped_column(Boolean, default=False)
    doubted_code: Mapped[int | None] = mapped_column(Integer)
    alternative_code: Mapped[int | None] = mapped_column(Integer)
    label_quality: Mapped[float | None] = mapped_column(Double)

    feedback: Mapped[str | None] = mapped_column(String(16))
    feedback_code: Mapped[int | None] = mapped_column(Integer)
    feedback_reason: Mapped[str | None] = mapped_column(String(500))
    feedback_at: Mapped[datetime | None] = mapped_column(Timestamp)


class Verdict(Base):
    """What a person decided; append-only. ``prediction_version`` is the version the decision produced."""

    __tablename__ = "verdict"
    __table_args__ = (
        UniqueConstraint("prediction_id", "prediction_version", name="uq_verdict_version"),
        Index("ix_verdict_decided", "decided_at", "reviewer_id"),
        MYSQL,
    )

    id: Mapped[int] = mapped_column(AUTO_ID, primary_key=True, autoincrement=True)
    prediction_id: Mapped[str] = mapped_column(ForeignKey("prediction.id"))
    prediction_version: Mapped[int] = mapped_column(Integer)
    action: Mapped[str] = mapped_column(String(16))
    prdtypecode: Mapped[int | None] = mapped_column(Integer)
    reviewer_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    reason: Mapped[str | None] = mapped_column(String(500))
    decided_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())


class ReviewSkip(Base):
    """A product that a reviewer put aside: it is not offered to them again before ``until``."""

    __tablename__ = "review_skip"

    reviewer_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    prediction_id: Mapped[str] = mapped_column(ForeignKey("prediction.id", ondelete="CASCADE"), primary_key=True)
    until: Mapped[datetime] = mapped_column(Timestamp)


class Outbox(Base):
    """Work a verdict leaves for the loop: append, retract or archive; done once ``done_at`` is set.

    Workers claim rows whose ``segment`` is NULL. A cursor over ``id`` would miss rows: ids are given out
    before their transactions commit, and commits happen in another order. Work that nobody claimed yet may be
    withdrawn: its row is deleted. ``segment_row`` is a claimed append's row in its segment; a claimed retract
    of version v tombstones every row that an append of an earlier version was given. Work marked ``urgent``
    does not wait for a full batch.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("prediction_id", "version", "kind", name="uq_outbox_work"),
        Index("ix_outbox_waiting", "kind", "segment", "done_at"),
        Index("ix_outbox_segment", "segment", "kind"),
        MYSQL,
    )

    id: Mapped[int] = mapped_column(AUTO_ID, primary_key=True, autoincrement=True)
    prediction_id: Mapped[str] = mapped_column(ForeignKey("prediction.id"))
    version: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    urgent: Mapped[bool] = mapped_column(Boolean, default=False)
    segment: Mapped[int | None] = mapped_column(Integer)
    segment_row: Mapped[int | None] = mapped_column(Integer)
    done_at: Mapped[datetime | None] = mapped_column(Timestamp)


class SegmentClaim(Base):
    """One batch on its way into the training store. The primary key is the fence between two claimers.

    ``rows`` are its appends and ``retractions`` its retracts; a batch without appends has no segment's folder.
    """

    __tablename__ = "segment_claim"
    __table_args__ = (
        Index("ix_segment_claim_run_key", "run_key", "segment"),
        Index("ix_segment_claim_open", "ingested_at", "segment"),
        MYSQL,
    )

    segment: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    run_key: Mapped[str] = mapped_column(String(250))
    rows: Mapped[int] = mapped_column(Integer)
    retractions: Mapped[int] = mapped_column(Integer, default=0)
    claimed_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    manifest: Mapped[int | None] = mapped_column(Integer)
    ingested_at: Mapped[datetime | None] = mapped_column(Timestamp)


class ClusterMember(Base):
    """Which cluster and split the holder of a fingerprint (of words or of a photo) was given, so copies follow it."""

    __tablename__ = "cluster_member"

    fingerprint: Mapped[str] = mapped_column(String(80), primary_key=True)
    cluster: Mapped[str] = mapped_column(String(64), primary_key=True)
    split: Mapped[str] = mapped_column(String(16))


class NearSignature(Base):
    """What a fingerprint is compared by with those that are near it but not equal, by one rule.

    ``id`` is a hash of rule and fingerprint. Nothing of ``content`` can be read back as text.
    """

    __tablename__ = "near_signature"

    id: Mapped[int] = mapped_column(AUTO_ID, primary_key=True, autoincrement=False)
    rule: Mapped[str] = mapped_column(String(16))
    fingerprint: Mapped[str] = mapped_column(String(80))
    content: Mapped[bytes] = mapped_column(LargeBinary)


class NearKey(Base):
    """The index over signatures: two that have a lookup key in common are worth comparing."""

    __tablename__ = "near_key"
    __table_args__ = ({**MYSQL, "sqlite_with_rowid": False},)

    lookup_key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    signature_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class RecentNearKey(Base):
    """The part of the index that appends write: keys of no order lie on few pages here, on one page each in the other.

    Now and then they are moved to ``near_key``; a key is in one of the two.
    """

    __tablename__ = "near_key_recent"
    __table_args__ = ({**MYSQL, "sqlite_with_rowid": False},)

    lookup_key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    signature_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class Promotion(Base):
    """The ledger: one row per release epoch, append-only. The newest row is what is served.

    ``models`` maps every served model name to its package sha. The primary key makes the move from epoch
    n to n + 1 a compare-and-set: of two writers, one inserts and the other learns that the epoch moved.
    """

    __tablename__ = "promotion"

    epoch: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    models: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous: Mapped[dict[str, Any]] = mapped_column(JSON)
    actor: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(String(500))
    gate_report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    run_id: Mapped[str | None] = mapped_column(String(64))
    manifest: Mapped[int | None] = mapped_column(Integer)
    taxonomy_version: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())


class Audit(Base):
    """Who did what to which subject, written in the same transaction as the change; ``seal`` is NULL until sealed."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject", "id"), Index("ix_audit_seal", "seal", "id"), MYSQL)

    id: Mapped[int] = mapped_column(AUTO_ID, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(64))
    version: Mapped[int | None] = mapped_column(Integer)
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    seal: Mapped[int | None] = mapped_column(Integer)


class AuditSeal(Base):
    """One link of the chain over the audit: the sha256 of the link before it and of the rows that carry its number."""

    __tablename__ = "audit_seal"

    seal: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    rows: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(SHA256)
    sealed_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())


class StoreCheck(Base):
    """What a check of the invariants found, so that the service can tell without checking again."""

    __tablename__ = "store_check"

    id: Mapped[int] = mapped_column(AUTO_ID, primary_key=True, autoincrement=True)
    checked_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    complete: Mapped[bool] = mapped_column(Boolean)
    manifest: Mapped[int | None] = mapped_column(Integer)
    violations: Mapped[dict[str, Any]] = mapped_column(JSON)


class RetrainRequest(Base):
    """A wish for a retraining. ``waiting`` is 1 until a run takes it, then NULL: at most one waits.

    ``requested_by`` is the person who asked; NULL where a job did.
    """

    __tablename__ = "retrain_request"

    id: Mapped[str] = mapped_column(UUID, primary_key=True)
    requested_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    reason: Mapped[str] = mapped_column(String(500))
    requested_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    waiting: Mapped[int | None] = mapped_column(Integer, unique=True, default=1)
    run_key: Mapped[str | None] = mapped_column(String(250))
    taken_at: Mapped[datetime | None] = mapped_column(Timestamp)


class ArchiveDay(Base):
    """The archive's folder of one day; its id is known before the folder is made, so that it is made once."""

    __tablename__ = "archive_day"

    place: Mapped[str] = mapped_column(String(16), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    folder_id: Mapped[str] = mapped_column(String(128))


class ArchiveParcel(Base):
    """One rejected product on its way into the archive, there, or on its way out again.

    ``ids`` names the folder and the files that it becomes; they are written down before anything is sent, so that
    sending again after a lost answer makes nothing twice.
    """

    __tablename__ = "archive_parcel"
    __table_args__ = (
        Index("ix_archive_parcel_open", "archived_at", "claimed_at"),
        Index("ix_archive_parcel_removal", "removed_at", "remove_requested_at"),
        MYSQL,
    )

    prediction_id: Mapped[str] = mapped_column(ForeignKey("prediction.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    place: Mapped[str] = mapped_column(String(16))
    day: Mapped[str] = mapped_column(String(10))
    ids: Mapped[dict[str, Any]] = mapped_column(JSON)
    claimed_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    archived_at: Mapped[datetime | None] = mapped_column(Timestamp)
    remove_requested_at: Mapped[datetime | None] = mapped_column(Timestamp)
    removed_at: Mapped[datetime | None] = mapped_column(Timestamp)


class QualityReading(Base):
    """One figure of the watch over the model's answers, and what it says; a run reads each kind once.

    ``rows`` were looked at, the newest of them ``through`` (a verdict's number, or a prediction's id). ``value`` lies
    from ``low`` to ``high`` where it has an interval; ``chance`` is a test's p-value where there is one.
    """

    __tablename__ = "quality_reading"
    __table_args__ = (
        UniqueConstraint("run_key", "kind", name="uq_quality_reading_run"),
        Index("ix_quality_reading_kind", "kind", "id"),
        Index("ix_quality_reading_at", "at"),
        MYSQL,
    )

    id: Mapped[int] = mapped_column(AUTO_ID, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    run_key: Mapped[str] = mapped_column(String(250))
    at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    model_version: Mapped[str | None] = mapped_column(SHA256)
    rows: Mapped[int] = mapped_column(Integer)
    through: Mapped[str] = mapped_column(String(36))
    value: Mapped[float] = mapped_column(Double)
    low: Mapped[float | None] = mapped_column(Double)
    high: Mapped[float | None] = mapped_column(Double)
    threshold: Mapped[float] = mapped_column(Double)
    chance: Mapped[float | None] = mapped_column(Double)
    finding: Mapped[str] = mapped_column(String(8))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class QualityEpisode(Base):
    """The newest time that something watched was wrong: since when, who was told when and how often, and its end.

    ``run_key`` is the run that told last, so that a run that is repeated tells the same.
    """

    __tablename__ = "quality_episode"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    begun_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    told_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now())
    told: Mapped[int] = mapped_column(Integer, default=1)
    run_key: Mapped[str] = mapped_column(String(250))
    ended_at: Mapped[datetime | None] = mapped_column(Timestamp)
