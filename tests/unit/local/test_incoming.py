"""The products that arrive while the demonstration runs."""

from pathlib import Path

import pytest

from local.incoming import Incoming, NoIncomingProducts, read_incoming

HEADER = ",designation,description,productid,imageid\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "images" / "image_train").mkdir(parents=True)
    (tmp_path / "images" / "image_test").mkdir()
    (tmp_path / "X_train_update.csv").write_text(HEADER + '0,Rose,"red,\nvery",11,21\n1,Pool,,12,22\n')
    (tmp_path / "Y_train_CVw08PX.csv").write_text(",prdtypecode\n0,1302\n1,2583\n")
    (tmp_path / "base.csv").write_text("product_id,designation\n11,Rose\n")
    return tmp_path


def add_test_products(data: Path) -> None:
    (data / "X_test_update.csv").write_text(HEADER + "5,NA,null,13,23\n6,Chair,,14,24\n")
    (data / "images" / "image_test" / "image_23_product_13.jpg").write_bytes(b"photo")


def test_test_products_with_an_oracle_arrive(data: Path) -> None:
    add_test_products(data)
    (data / "Y_test_oracle.csv").write_text(",prdtypecode\n5,50\n6,60\n")
    photo = data / "images" / "image_test" / "image_23_product_13.jpg"
    assert sorted(read_incoming(data, data / "base.csv", 1), key=lambda p: p.prdtypecode) == [
        Incoming("NA", "null", photo, 50),
        Incoming("Chair", None, None, 60),
    ]


def test_without_an_oracle_the_training_products_outside_the_base_arrive(data: Path) -> None:
    add_test_products(data)
    assert read_incoming(data, data / "base.csv", 1) == [Incoming("Pool", None, None, 2583)]


def test_a_base_that_holds_everything_leaves_nothing_to_arrive(data: Path) -> None:
    (data / "base.csv").write_text("product_id\n11\n12\n")
    with pytest.raises(NoIncomingProducts):
        read_incoming(data, data / "base.csv", 1)


def test_the_order_depends_on_the_seed_alone(data: Path) -> None:
    rows = "".join(f"{n},title {n},,{n},{n}\n" for n in range(50))
    (data / "X_test_update.csv").write_text(HEADER + rows)
    (data / "Y_test_oracle.csv").write_text(",prdtypecode\n" + "".join(f"{n},{n}\n" for n in range(50)))
    first, again, other = (read_incoming(data, data / "base.csv", seed) for seed in (1, 1, 2))
    assert first == again != other
