import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preprocessing.images import (
    CorruptImage,
    ImageFolder,
    ImageTooLarge,
    MissingImage,
    SanitisedImage,
    TooManyPixels,
    UndecodableImage,
    UnsupportedFormat,
    sanitise,
    to_tensor,
)


def _photo(width: int = 60, height: int = 40, seed: int = 0) -> Image.Image:
    """A smooth picture without symmetry, so that every turn shows and JPEG blurs little."""
    corners = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(corners).resize((width, height), Image.Resampling.BICUBIC)


def _encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _sanitise(data: bytes) -> SanitisedImage:
    return sanitise(data, max_bytes=10 * 1024 * 1024, max_pixels=25_000_000)


def _pixels(image: SanitisedImage) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(image.data))).astype(int)


def _png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_exif_orientation_gives_the_same_photo(orientation: int, kind: str) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that the tag asks to revert
    stored = _photo() if orientation == 1 else _photo().transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"PNG": {}, "JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}[kind]
    turned = _sanitise(_encode(stored, kind, exif=exif, **options))
    assert (turned.width, turned.height) == (60, 40)
    difference = np.abs(_pixels(turned) - np.asarray(_photo()).astype(int))
    assert difference.max() <= (10 if kind == "JPEG" else 6)
    if kind == "PNG":
        assert turned.data == _sanitise(_encode(_photo())).data


def test_the_same_upload_gives_the_same_bytes() -> None:
    upload = _encode(_photo(), "WEBP")
    assert _sanitise(upload) == _sanitise(upload)


def test_gps_comments_profiles_and_trailing_bytes_are_not_stored() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[29] = "2026:01:02"
    exif[0x010E] = "SECRET description"
    upload = _encode(_photo(), "JPEG", exif=exif, comment=b"SECRET comment", icc_profile=b"SECRET profile")
    upload += b"<script>SECRET polyglot</script>"
    assert b"2026:01:02" in upload
    stored = _sanitise(upload).data
    assert b"SECRET" not in stored
    assert b"2026:01:02" not in stored
    assert b"Exif" not in stored


@pytest.mark.parametrize("tenth", range(1, 10))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_photo_is_refused(kind: str, tenth: int) -> None:
    whole = _encode(_photo(300, 200), kind)
    with pytest.raises((UndecodableImage, UnsupportedFormat)):
        _sanitise(whole[: len(whole) * tenth // 10])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photo_without_its_last_bytes_is_refused(kind: str) -> None:
    with pytest.raises(UndecodableImage):
        _sanitise(_encode(_photo(300, 200), kind, **({"progressive": True} if kind == "JPEG" else {}))[:-30])


@pytest.mark.parametrize(
    "content",
    [b"", b"not a photo", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"PK\x03\x04", b"GIF89a" * 9],
)
def test_what_is_no_photo_is_refused_whatever_its_name(content: bytes) -> None:
    with pytest.raises(UnsupportedFormat):
        _sanitise(content)


def test_a_wrong_checksum_is_refused() -> None:
    damaged = bytearray(_encode(_photo(), "PNG"))
    damaged[damaged.index(b"IDAT") + 10] ^= 0xFF
    with pytest.raises(UndecodableImage):
        _sanitise(bytes(damaged))


@pytest.mark.parametrize("missing", [1, 4, 12, 13, 16, 20])
def test_a_png_without_its_end_is_refused_even_where_every_pixel_is_there(missing: int) -> None:
    whole = _encode(Image.new("RGB", (40, 30), "red"))
    with pytest.raises(UndecodableImage):
        _sanitise(whole[:-missing])


@pytest.mark.parametrize("part", [b"IHDR", b"IDAT", b"IEND"])
def test_a_png_is_refused_for_a_wrong_checksum_of_what_makes_the_picture(part: bytes) -> None:
    damaged = bytearray(_encode(_photo()))
    at = damaged.index(part)
    damaged[at + 4 + int.from_bytes(damaged[at - 4 : at], "big")] ^= 1
    with pytest.raises(UndecodableImage):
        _sanitise(bytes(damaged))


def test_a_palette_photo_without_its_palette_is_refused() -> None:
    whole = _encode(_photo().convert("P"))
    start = whole.index(b"PLTE") - 4
    end = start + 12 + int.from_bytes(whole[start : start + 4], "big")
    with pytest.raises(UndecodableImage):
        _sanitise(whole[:start] + whole[end:])


def test_a_photo_with_too_many_bytes_is_refused() -> None:
    with pytest.raises(ImageTooLarge):
        sanitise(_encode(_photo()), max_bytes=100, max_pixels=25_000_000)


@pytest.mark.parametrize(
    "header",
    [
        _png_header(13_000, 13_000),
        _png_header(200_000, 200_000),
        _png_header(70_000, 1),
        b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0" + b"\0" * 20,
        b"RIFF\0\0\0\0WEBPVP8L\n\0\0\0\x2f\xff\xff\xff\x0f" + b"\0" * 20,
        b"RIFF\0\0\0\0WEBPVP8 \n\0\0\0\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + b"\0" * 20,
    ],
)
def test_a_bomb_is_refused_from_its_header_alone(header: bytes) -> None:
    with pytest.raises(TooManyPixels):
        _sanitise(header + b"\0\0\0\x08IDAT" + b"\0" * 12)


@pytest.mark.parametrize(("lossless", "exif"), [(True, False), (False, False), (True, True)])
def test_the_pixel_limit_reads_every_kind_of_webp_header(lossless: bool, exif: bool) -> None:
    data = _encode(_photo(61, 43), "WEBP", lossless=lossless, **({"exif": b"Exif\0\0"} if exif else {}))
    assert sanitise(data, max_bytes=10**6, max_pixels=61 * 43).width == 61
    with pytest.raises(TooManyPixels, match="61 × 43"):
        sanitise(data, max_bytes=10**6, max_pixels=61 * 43 - 1)


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("P", "PNG"), ("L", "JPEG"), ("1", "PNG"), ("LA", "PNG")])
def test_every_pixel_format_becomes_plain_rgb(mode: str, kind: str) -> None:
    stored = _sanitise(_encode(_photo().convert(mode), kind))
    image = Image.open(io.BytesIO(stored.data))
    assert (image.mode, image.format, image.size) == ("RGB", "JPEG", (60, 40))


def test_sixteen_bit_grey_keeps_its_shades() -> None:
    ramp = np.linspace(0, 65535, 60 * 40).reshape(40, 60)
    stored = _sanitise(_encode(Image.fromarray(ramp.astype(np.uint16))))
    assert np.abs(_pixels(stored)[:, :, 0] - ramp / 257).max() <= 3


def test_transparency_becomes_white() -> None:
    image = Image.new("RGBA", (32, 16), (255, 0, 0, 255))
    image.paste((0, 0, 255, 0), (16, 0, 32, 16))
    pixels = _pixels(_sanitise(_encode(image)))
    assert np.abs(pixels[4, 4] - [255, 0, 0]).max() <= 3
    assert np.abs(pixels[4, 28] - 255).max() <= 3


def test_a_palette_with_a_transparent_entry_becomes_white_there() -> None:
    image = Image.new("P", (32, 16), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    assert np.abs(_pixels(_sanitise(_encode(image, transparency=0))) - 255).max() <= 3


def test_an_animation_keeps_its_first_frame() -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    stored = _sanitise(_encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    assert np.abs(_pixels(stored)[16, 16] - [255, 0, 0]).max() <= 3


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_metadata_does_not_refuse_whole_pixels() -> None:
    stored = _sanitise(_encode(_photo(), "JPEG", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff"))
    assert (stored.width, stored.height) == (60, 40)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (65_000, 1), (1, 3000), (300, 200), (224, 224)])
def test_every_shape_fits_the_square_with_white_around_it(width: int, height: int) -> None:
    tensor = to_tensor(_sanitise(_encode(Image.new("RGB", (width, height), "black"))).data)
    assert (tensor.shape, tensor.dtype) == ((224, 224, 3), np.uint8)
    dark = int((tensor[:, :, 0] < 128).sum())
    scale = 224 / max(width, height)
    assert dark == max(1, round(width * scale)) * max(1, round(height * scale))
    assert tensor[111, 111].max() < 10
    if width == 300:
        assert tensor[0, 0].min() == tensor[-1, -1].min() == 255


def test_a_tensor_is_rgb_in_this_order() -> None:
    tensor = to_tensor(_sanitise(_encode(Image.new("RGB", (50, 50), (250, 120, 10)))).data)
    assert np.abs(tensor[100, 100].astype(int) - [250, 120, 10]).max() <= 3


def test_a_stored_photo_is_read_back_and_storing_it_twice_changes_nothing(tmp_path: Path) -> None:
    folder, image = ImageFolder(tmp_path / "images"), _sanitise(_encode(_photo()))
    assert folder.put(image) == folder.put(image) == folder.path(image.sha256)
    assert folder.get(image.sha256) == image.data
    assert [path.name for path in folder.root.iterdir()] == [image.sha256]


def test_a_damaged_photo_is_named_and_mended_by_storing_it_again(tmp_path: Path) -> None:
    folder, image = ImageFolder(tmp_path), _sanitise(_encode(_photo()))
    folder.put(image).write_bytes(image.data[:-1])
    with pytest.raises(CorruptImage):
        folder.get(image.sha256)
    folder.put(image)
    assert folder.get(image.sha256) == image.data


def test_a_disk_that_refuses_to_flush_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, image = ImageFolder(tmp_path), _sanitise(_encode(_photo()))
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", _refuse)
        with pytest.raises(OSError, match="flush failed"):
            folder.put(image)
    assert list(tmp_path.iterdir()) == []


def test_a_photo_that_is_visible_is_flushed_again_before_it_counts_as_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, image = ImageFolder(tmp_path), _sanitise(_encode(_photo()))
    folder.put(image)
    monkeypatch.setattr("os.fsync", _refuse)
    with pytest.raises(OSError, match="flush failed"):
        folder.put(image)


def _refuse(descriptor: int) -> None:
    raise OSError("flush failed")


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/passwd", "", "A" * 64])
def test_a_photo_that_is_not_there_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingImage):
        ImageFolder(tmp_path).get(name)
