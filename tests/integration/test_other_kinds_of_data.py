"""Catalogues of other kinds, from their files to a model's answers: nothing knows one taxonomy, language or half.

By one expert each, which needs no encoder: what the fusion does where a half is missing is tested on features.
"""

from collections.abc import Callable

import pytest

from core.db.migrate import migrate
from core.db.session import make_engine, make_sessions
from core.domain.product import Product
from core.settings import DatabaseSettings, GateSettings, ModelSettings, ServingSettings, StoreSettings, TrainSettings
from inference.encoders import EncoderPool
from inference.model import CannotAnswer, ServedModel
from preprocessing.images import sanitise
from preprocessing.ingest.base import import_catalogue
from tests.toys.catalogues import MadeUp, photo, three_languages, two_greys
from tests.toys.shop import QUICK_CONFIG
from training.jobs import learn
from training.jobs.workplace import Workplace

Serve = Callable[[str, MadeUp], ServedModel]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Import a catalogue into a store of its own, train on it, and load what was packaged."""
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "config.toml").write_text(QUICK_CONFIG)

    def _serve(model: str, made_up: MadeUp) -> ServedModel:
        store = StoreSettings(root=folder / model)
        store.root.mkdir()
        database = DatabaseSettings(url=f"sqlite:///{store.root}/etalon.db")
        engine = make_engine(database)
        migrate(engine)
        import_catalogue(make_sessions(engine), store, ServingSettings(), made_up.write(folder / f"{model} catalogue"))
        engine.dispose()
        workplace = Workplace(
            store=store,
            model=ModelSettings(),
            train=TrainSettings(config=folder / "config.toml"),
            gate=GateSettings(),
            database=database,
            serving=ServingSettings(),
        )
        fitted = learn.fit(workplace, manifest=None, run_key=model, model=model)
        workplace.close()
        return ServedModel.load(store.packages, fitted["package"], encoders=EncoderPool(store.packages))

    return _serve


def test_texts_alone_in_any_script_are_learnt(serve: Serve) -> None:
    model = serve("lexical", three_languages(90))
    assert model.codes == (5, 6, 7, 1_900_000_001, 1_900_000_003)
    answers = model.predict([Product("حذاء رياضي"), Product("望遠カメラ"), Product("Schreibtisch Eiche, weiß")])
    assert [answer.prdtypecode for answer in answers] == [1_900_000_003, 1_900_000_001, 5]
    with pytest.raises(CannotAnswer):
        model.predict([Product("", None, _sanitised(40))])


def test_photos_tell_two_categories_that_nobody_named_though_some_are_lost(serve: Serve) -> None:
    model = serve("appearance", two_greys(60))
    assert model.codes == (0, 777)
    answers = model.predict([Product("", None, _sanitised(grey)) for grey in (40, 190)])
    assert [answer.prdtypecode for answer in answers] == [0, 777]
    with pytest.raises(CannotAnswer):
        model.predict([Product("Article")])


def _sanitised(grey: int) -> bytes:
    return sanitise(photo(grey, 1000), max_bytes=10**6, max_pixels=10**6).data
