from pathlib import Path

import pytest

from preprocessing.catalogue import BadCatalogue, Catalogue

HEADER = ",designation,description,productid,imageid\n"


def catalogue(folder: Path, products: str, codes: str = "") -> Catalogue:
    (folder / "X_train_update.csv").write_bytes((HEADER + products).encode())
    (folder / "Y_train_CVw08PX.csv").write_bytes((",prdtypecode\n" + codes).encode())
    return Catalogue(folder)


def put_photo(folder: Path, name: str, part: str = "image_train") -> Path:
    photos = folder / "images" / part
    photos.mkdir(parents=True, exist_ok=True)
    (photos / name).write_bytes(b"a photo")
    return photos / name


def test_a_product_is_read_with_its_code_and_photo(tmp_path: Path) -> None:
    photo = put_photo(tmp_path, "image_34_product_12.jpg")
    (item,) = catalogue(tmp_path, '0,"Vase, bleu","ligne 1\r\nligne ""2""",12,34\n', "0,2583\n").labelled()
    assert (item.designation, item.description, item.prdtypecode) == ("Vase, bleu", 'ligne 1\r\nligne "2"', 2583)
    assert (item.product_id, item.origin) == ("12", "X_train_update.csv line 3")
    assert item.photo == photo
    assert item.read_photo() == b"a photo"


def test_words_that_look_like_missing_values_stay_words(tmp_path: Path) -> None:
    one, two = catalogue(tmp_path, "0,NA,null,1,2\n1,nan,,3,4\n", "0,10\n1,10\n").labelled()
    assert (one.designation, one.description, two.designation, two.description) == ("NA", "null", "nan", None)


def test_columns_may_stand_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "X_train_update.csv").write_text("imageid,productid,designation,description,\n34,12,Vase,,0\n")
    (tmp_path / "Y_train_CVw08PX.csv").write_text("prdtypecode,\n10,0\n")
    (item,) = Catalogue(tmp_path).labelled()
    assert (item.product_id, item.designation, item.prdtypecode) == ("12", "Vase", 10)


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    (tmp_path / "X_train_update.csv").write_bytes(b"\xef\xbb\xbf" + f"{HEADER}0,Vase,,12,34\n".encode())
    (tmp_path / "Y_train_CVw08PX.csv").write_bytes(b"\xef\xbb\xbf,prdtypecode\n0,10\n")
    assert len(Catalogue(tmp_path).labelled()) == 1


def test_a_product_without_an_image_id_has_no_photo(tmp_path: Path) -> None:
    (item,) = catalogue(tmp_path, "0,Vase,,12,\n", "0,10\n").labelled()
    assert (item.photo, item.photo_lost) == (None, False)
    assert item.read_photo() is None


def test_a_photo_that_is_not_there_leaves_the_text_and_is_told(tmp_path: Path) -> None:
    products, codes = "0,Vase,,12,34\n1,Bol,,13,35\n", "0,10\n1,10\n"
    assert [item.photo_lost for item in catalogue(tmp_path, products, codes).labelled()] == [True, True]
    put_photo(tmp_path, "image_35_product_13.jpg")
    vase, bowl = Catalogue(tmp_path).labelled()
    assert (vase.photo, vase.photo_lost, bowl.photo_lost) == (None, True, False)


def test_photos_under_other_names_are_refused_by_the_name_they_should_have(tmp_path: Path) -> None:
    put_photo(tmp_path, "12.jpg")
    with pytest.raises(BadCatalogue, match=r"must be named like image_34_product_12\.jpg; remove the folder"):
        catalogue(tmp_path, "0,Vase,,12,34\n", "0,10\n").labelled()


def test_test_products_have_codes_only_where_an_oracle_tells(tmp_path: Path) -> None:
    (tmp_path / "X_test_update.csv").write_text(f"{HEADER}7,Vase,,12,34\n")
    assert [item.prdtypecode for item in Catalogue(tmp_path).unlabelled()] == [None]
    (tmp_path / "Y_test_oracle.csv").write_text(",prdtypecode\n7,40\n")
    photo = put_photo(tmp_path, "image_34_product_12.jpg", "image_test")
    (item,) = Catalogue(tmp_path).unlabelled()
    assert (item.prdtypecode, item.photo) == (40, photo)


def test_a_catalogue_may_come_without_categories(tmp_path: Path) -> None:
    assert Catalogue(tmp_path).taxonomy() is None


@pytest.mark.parametrize(
    ("products", "codes", "message"),
    [
        ("0,Vase,,12,34\n", "", "has 0 rows, X_train_update.csv has 1"),
        ("0,Vase,,12,34\n", "1,10\n", "Y_train_CVw08PX.csv line 2: expected the code of product '0'"),
        ("0,Vase,,12,34\n", "0,ten\n", "Y_train_CVw08PX.csv line 2: prdtypecode is no integer. Received: 'ten'"),
        ("0,Vase,,12,34\n", "0,10.0\n", "prdtypecode is no integer"),
        ("0,Vase,,12,34\n", "0,-1\n", "Y_train_CVw08PX.csv line 2: prdtypecode lies between 0 and 9007199254740991"),
        ("0,Vase,,12,34\n", f"0,{2**53}\n", "number the categories anew. Received: 9007199254740992"),
        ("0,Vase,12,34\n", "0,10\n", "X_train_update.csv line 2: expected 5 columns. Received: 4"),
        ("0,Vase,,../12,34\n", "0,10\n", "X_train_update.csv line 2: productid and imageid are digits"),
        ('0,Vase,,1,2\n1,"Vase,,12,34\n', "0,10\n1,10\n", "X_train_update.csv line 3: unexpected end of data"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, products: str, codes: str, message: str) -> None:
    with pytest.raises(BadCatalogue) as refused:
        catalogue(tmp_path, products, codes).labelled()
    assert message in str(refused.value)


def test_other_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "X_train_update.csv").write_text("id,title\n1,Vase\n")
    with pytest.raises(BadCatalogue, match=r"X_train_update\.csv: expected columns"):
        Catalogue(tmp_path).labelled()


def test_text_that_is_not_utf8_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "X_train_update.csv").write_bytes(HEADER.encode() + b"0,Vase,,1,2\n1,Vas\xe9,,1,2\n")
    with pytest.raises(BadCatalogue, match=r"X_train_update\.csv line 3: not UTF-8"):
        Catalogue(tmp_path).labelled()
