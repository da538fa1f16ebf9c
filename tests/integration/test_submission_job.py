"""The champion answers a catalogue's test products in the challenge's format."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.db.models import Base
from core.db.repositories import promotions
from core.db.repositories.promotions import NO_EPOCH
from core.db.session import make_engine
from core.settings import DatabaseSettings, GateSettings, ModelSettings, ServingSettings, StoreSettings, TrainSettings
from preprocessing.images import sanitise
from tests.integration.api.packaged import TAXONOMY_VERSION, TITLES, write_tiny_model
from training.jobs.submission import NoChampion, submit
from training.jobs.workplace import Workplace


def photo() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (90, 60, 3), np.uint8)).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    """A database and a store without a release."""
    database = DatabaseSettings(url=f"sqlite:///{tmp_path}/etalon.db")
    engine = make_engine(database)
    Base.metadata.create_all(engine)
    engine.dispose()
    workplace = Workplace(
        store=StoreSettings(root=tmp_path / "var"),
        model=ModelSettings(),
        train=TrainSettings(),
        gate=GateSettings(),
        database=database,
        serving=ServingSettings(),
    )
    yield workplace
    workplace.close()


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Three products whose titles the model knows; the second has a photo that is no photo."""
    folder = tmp_path / "catalogue"
    images = folder / "images" / "image_test"
    images.mkdir(parents=True)
    rows = [[str(84916 + at), title, "", str(at), str(100 + at)] for at, title in enumerate(TITLES[:3])]
    for _, _, _, product, image in rows:
        data = b"no photo" if product == "1" else photo()
        (images / f"image_{image}_product_{product}.jpg").write_bytes(data)
    with (folder / "X_test_update.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["", "designation", "description", "productid", "imageid"], *rows])
    return folder


def release(workplace: Workplace) -> str:
    clean = sanitise(photo(), max_bytes=10**6, max_pixels=10**6)
    sha = write_tiny_model(workplace.store.packages, clean.data)
    with workplace.sessions.begin() as session:
        promotions.promote(
            session,
            expected_epoch=NO_EPOCH,
            kind="first",
            models={"fusion": sha},
            actor="test",
            reason="toy",
            gate_report=None,
            run_id=None,
            manifest=None,
            taxonomy_version=TAXONOMY_VERSION,
        )
    return sha


def test_every_product_gets_a_code_even_where_its_photo_cannot_be_read(workplace: Workplace, catalogue: Path) -> None:
    release(workplace)
    told = submit(workplace, data=catalogue, out=None)
    lines = Path(told["submission"]).read_text(encoding="ascii").splitlines()
    assert lines[0] == ",prdtypecode"
    assert [line.split(",")[0] for line in lines[1:]] == ["84916", "84917", "84918"]
    assert "weighted_f1" not in told
    codes = [line.split(",")[1] for line in lines[1:]]
    (catalogue / "Y_test_oracle.csv").write_text(
        ",prdtypecode\n" + "".join(f"{84916 + at},{code}\n" for at, code in enumerate(codes)), encoding="utf-8"
    )
    again = submit(workplace, data=catalogue, out=None)
    assert (again["weighted_f1"], again["accuracy"]) == (1, 1)


def test_without_a_release_there_is_nobody_to_answer(workplace: Workplace, catalogue: Path) -> None:
    with pytest.raises(NoChampion):
        submit(workplace, data=catalogue, out=None)
