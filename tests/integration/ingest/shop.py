"""A small shop on a real database and a real disk: a catalogue, an imported store, and reviewed predictions."""

import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from core.db.models import UserAccount
from core.db.repositories import consistency, predictions, verdicts
from core.db.repositories.predictions import NewPrediction
from core.db.session import make_engine, make_sessions
from core.domain.consistency import Staging
from core.domain.language import Language
from core.domain.review import VALIDATE, Move
from core.settings import DatabaseSettings, ServingSettings, StoreSettings
from core.store import fsck
from core.store.fsck import Violation
from core.store.rows import TrainingRow
from core.store.snapshot import Snapshot
from preprocessing.images import ImageFolder, sanitise, to_tensor
from preprocessing.ingest.append import Appended, append
from preprocessing.ingest.base import Imported, import_catalogue
from preprocessing.ingest.tensors import tensor_of

ROOT = Path(__file__).resolve().parents[3]
REVIEWER = "01900000-0000-7000-8000-000000000001"
SELLER = "01900000-0000-7000-8000-000000000002"
"""Who sent every product: nobody decides about their own."""


def failpoint_names() -> list[str]:
    """Every failpoint that an import or an append can reach."""
    sources = [path for room in ("core/store", "preprocessing/ingest") for path in (ROOT / room).glob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in sources]
    return sorted({name for text in texts for name in re.findall(r'failpoints\.reach\("([^"]+)"', text)})


def photo(seed: int) -> bytes:
    """A small PNG of its own."""
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize((60, 40), Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def write_catalogue(folder: Path, products: int = 30, codes: tuple[int, ...] = (10, 40, 2583)) -> Path:
    """Products in the challenge's layout: photo ``n`` and title "Objet n", codes in turn."""
    photos = folder / "images" / "image_train"
    photos.mkdir(parents=True)
    lines, answers = [",designation,description,productid,imageid"], [",prdtypecode"]
    for number in range(products):
        lines.append(f"{number},Objet {number},,{3000 + number},{9000 + number}")
        answers.append(f"{number},{codes[number % len(codes)]}")
        (photos / f"image_{9000 + number}_product_{3000 + number}.jpg").write_bytes(photo(number))
    (folder / "X_train_update.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "Y_train_CVw08PX.csv").write_text("\n".join(answers) + "\n", encoding="utf-8")
    taxonomy = [f"{code},Label {code},Theme" for code in codes]
    (folder / "taxonomy.csv").write_text("\n".join(["prdtypecode,label,theme", *taxonomy]) + "\n", encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Shop:
    """Where everything of one test lies."""

    folder: Path
    engine: Engine
    url: str

    @classmethod
    def open(cls, folder: Path, url: str | None = None) -> "Shop":
        """The shop in ``folder``, its database at ``url``; None: SQLite in the folder."""
        url = url or f"sqlite:///{folder}/etalon.db"
        return cls(folder, make_engine(DatabaseSettings(url=url)), url)

    @property
    def store(self) -> StoreSettings:
        return StoreSettings(root=self.folder / "var")

    @property
    def sessions(self) -> sessionmaker[Session]:
        return make_sessions(self.engine)

    def import_catalogue(self, data: Path, **options: float | None) -> Imported:
        return import_catalogue(self.sessions, self.store, ServingSettings(), data, **options)

    def validated(
        self,
        designation: str,
        *,
        code: int = 10,
        suggested: int = 10,
        description: str | None = None,
        image: bytes | None = None,
        move: Move | None = VALIDATE,
    ) -> str:
        """A product that came through the API and was reviewed (``move`` None: not yet). Returns its id."""
        sha = None
        if image is not None:
            stored = sanitise(image, max_bytes=10**6, max_pixels=10**6)
            ImageFolder(self.store.images).put(stored)
            sha = stored.sha256
        with self.sessions.begin() as session:
            row = predictions.add(session, _new(designation, description, sha, suggested))
            if move is not None:
                assert predictions.move(session, row.id, version=1, move=move, code=code)
                verdict = {"code": code, "reviewer_id": REVIEWER, "reason": None, "detail": {}}
                verdicts.record(session, prediction_id=row.id, version=2, move=move, **verdict)
        return row.id

    def append(self, run_key: str = "run", **options: int) -> Appended | None:
        return append(self.sessions, self.store, run_key=run_key, **options)

    def start(self, *arguments: str, failpoint: str = "") -> subprocess.Popen[str]:
        """The command in a process of its own."""
        environment = {
            **os.environ,
            "DB_URL": self.url,
            "STORE_ROOT": str(self.store.root),
            "ETALON_FAILPOINT": failpoint,
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "preprocessing.ingest", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str, failpoint: str = "") -> tuple[int, str, str]:
        """Exit status, standard output and standard error of the command."""
        process = self.start(*arguments, failpoint=failpoint)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def check(self, *, full: bool = True) -> list[Violation]:
        photos = ImageFolder(self.store.images)
        return fsck.check(
            self.store.training,
            read_staging=self._staging,
            read_tensor=lambda row: tensor_of(row, photos),
            full=full,
        )

    def _staging(self) -> Staging:
        with self.sessions() as session:
            return consistency.staging(session)

    def rows(self) -> dict[str, TrainingRow]:
        """Live rows that came through the API, by prediction."""
        rows = [row for row in Snapshot.open(self.store.training).rows if row.prediction_id]
        by_prediction = {row.prediction_id: row for row in rows}
        assert len(by_prediction) == len(rows)
        return by_prediction

    def tensor(self, prediction_id: str) -> NDArray[np.uint8]:
        """What the store holds beside a prediction's row."""
        snapshot = Snapshot.open(self.store.training)
        at = next(i for i, row in enumerate(snapshot.rows) if row.prediction_id == prediction_id)
        segment, index = snapshot.addresses[at]
        return snapshot.images(segment)[index]


def tensor_of_upload(image: bytes) -> NDArray[np.uint8]:
    return to_tensor(sanitise(image, max_bytes=10**6, max_pixels=10**6).data)


def _new(designation: str, description: str | None, image_sha256: str | None, suggested: int) -> NewPrediction:
    return NewPrediction(
        owner_id=SELLER,
        idempotency_key=None,
        request_sha256="0" * 64,
        designation=designation,
        description=description,
        image_sha256=image_sha256,
        modality="text+image" if image_sha256 else "text-only",
        language=Language.UNKNOWN,
        suggested_code=suggested,
        confidence=0.5,
        answer={"top_k": [[suggested, 0.5]], "experts": {}},
        model_name="fusion",
        model_version="f" * 64,
        epoch=1,
        taxonomy_version="t",
    )


def add_people(session: Session) -> None:
    for who, name, role in ((REVIEWER, "reviewer", "reviewer"), (SELLER, "seller", "customer")):
        session.add(UserAccount(id=who, username=name, password_hash="x", role=role))
