import pytest

from preprocessing.spec import PreprocessingSpec, UnsupportedPreprocessing


def test_a_spec_survives_its_plain_form() -> None:
    spec = PreprocessingSpec(max_tokens=32)
    assert PreprocessingSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize("change", [{"image_size": 299}, {"resize_rule": "crop"}, {"text_rule": "raw"}, {"more": 1}])
def test_a_package_asking_for_another_preprocessing_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UnsupportedPreprocessing):
        PreprocessingSpec.from_dict({**PreprocessingSpec().to_dict(), **change})
