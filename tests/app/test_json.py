"""What programs hear: answers as the predictor gives them, and sentences with the right status code."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.conftest import ROW, png
from perceivers.predictor import Predictor

JSON = {"Content-Type": "application/json"}


def predict(client: Any, inputs: Any) -> Any:
    return client.post("/api/predict", json={"inputs": inputs})


def test_a_row_is_answered_as_the_predictor_answers_it(client: Any, predictor: Predictor) -> None:
    response = predict(client, ROW)
    assert response.status_code == 200
    (answer,) = response.json()["answers"]
    (expected,) = predictor([ROW])
    assert isinstance(expected, dict)
    for name in ("animal", "price"):
        assert answer[name] == expected[name]
    assert answer["animal_probabilities"] == pytest.approx(expected["animal_probabilities"])
    assert response.json()["device"] == "cpu"
    assert response.json()["seconds"] > 0.0


def test_a_picture_counts_alike_as_a_data_url_as_base64_and_in_a_form(
    client: Any, predictor: Predictor, tmp_path: Path
) -> None:
    content = png(shade=90)
    text = base64.b64encode(content).decode()
    (tmp_path / "one.png").write_bytes(content)
    (expected,) = predictor([{"photo": str(tmp_path / "one.png"), "weight": 4.5}])
    assert isinstance(expected, dict)
    in_json = [
        predict(client, {"photo": f"data:image/png;base64,{text}", "weight": 4.5}),
        predict(client, {"photo": {"base64": text}, "weight": "4.5"}),
    ]
    in_a_form = client.post("/api/predict", data={"weight": "4.5"}, files={"photo": ("a/../b.png", content)})
    for response in (*in_json, in_a_form):
        (answer,) = response.json()["answers"]
        assert answer["price"] == pytest.approx(expected["price"])


def test_several_rows_are_answered_in_order_and_one_that_cannot_be_read_says_why(
    client: Any, predictor: Predictor
) -> None:
    rows = [{"weight": 3.0}, {"weight": "heavy"}, {"weight": 29.0}]
    first, second, third = predict(client, rows).json()["answers"]
    expected = predictor([rows[0], rows[2]])
    assert [first["price"], third["price"]] == pytest.approx([each["price"] for each in expected])  # type: ignore[index]
    assert list(second) == ["error"]
    assert second["error"] == (
        "In the column 'weight': expected a number, received 'heavy'; leave it out if nobody knows it."
    )


def test_no_text_is_opened_as_a_file(client: Any, run: Path) -> None:
    (run / "secret.txt").write_text("sings when the sun comes up")
    photo = str(run.parent / "photos" / "000.png")
    for cell in (photo, {"path": photo}, ["photos/000.png"], f"file://{photo}"):
        response = predict(client, {"photo": cell})
        assert response.status_code == 422, cell
        assert "photo" in response.json()["error"]
    name = str(run / "secret.txt")
    by_name, by_text = (predict(client, {"note": text}) for text in (name, "sings when the sun comes up"))
    assert by_name.json()["answers"][0]["price"] != by_text.json()["answers"][0]["price"]


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"{", 400, "The body is no JSON: "),
        (b"\xff", 400, "The body is no JSON: "),
        (b"[" * 100_000, 400, "The body is no JSON: "),
        (b"[]", 422, 'The body must be {"inputs": ...}, with one row or a list of rows.'),
        (b'{"inputs": []}', 422, "`inputs` must be a row, column to cell, or a list of such rows"),
        (b'{"inputs": [1]}', 422, "`inputs` must be a row"),
        (b'{"inputs": {}}', 422, "The question is empty: give at least one of "),
        (b'{"inputs": {"size": 1}}', 422, "There is no column 'size': the columns are "),
        (b'{"inputs": {"house": ["farm"]}}', 422, "In the column 'house': must be one name, received list."),
        (b'{"inputs": {"born": "03/04/2024"}}', 422, "The question has '03/04/2024' in the column 'born'"),
        (b'{"inputs": {"note": "\\ud800"}}', 422, "In the column 'note': the text cannot be written as UTF-8"),
        (b'{"inputs": {"photo": {"base64": "?"}}}', 422, "The content for 'photo' is no base64."),
        (b'{"inputs": {"photo": {"base64": 3}}}', 422, "The content for 'photo' is no base64."),
        (b'{"inputs": {"photo": "data:text/plain,a"}}', 422, "The data URL for 'photo' must be one of base64."),
        (b'{"inputs": {"photo": {"base64": "AAAA"}}}', 422, "In the column 'photo': the picture in the row cannot be"),
        (b'{"inputs": {"weight": NaN}}', 422, "In the value for 'weight', NaN is no number of JSON: write null for what is"),
        (b'{"inputs": {"weight": -Infinity}}', 422, "In the value for 'weight', -Infinity is no number of JSON: write the"),
        (b'{"inputs": [{"weight": 1}, {"weight": 1e999}]}', 422, "In the value for 'weight', 1e999 is no number of JSON"),
        (b'{"inputs": {"weight": 1' + b"0" * 400 + b"}}", 422, "In the value for 'weight', 10000"),
        (b'{"inputs": {"note": [[1, Infinity]]}}', 422, "In the value for 'note', Infinity is no number of JSON"),
        (b'{"inputs": {"weight": ' + b"[" * 800 + b"]" * 800 + b"}}", 422, "In the column 'weight': "),
        (b'{"inputs": NaN}', 422, "`inputs` must be a row"),
        (b'{"inputs": {"weight": "inf"}}', 422, "In the column 'weight': expected a finite number, received 'inf'"),
        (b'{"inputs": {"weight": "1,5"}}', 422, "In the column 'weight': received '1,5', which looks like a decimal comma"),
        (json.dumps({"inputs": [ROW] * 6}).encode(), 413, "A request may ask for at most 5 rows, and this one has 6."),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_told_in_a_sentence(
    client: Any, body: bytes, status: int, sentence: str
) -> None:
    response = client.post("/api/predict", content=body, headers=JSON)
    assert response.json()["error"].startswith(sentence)
    assert response.status_code == status


def test_what_is_neither_json_nor_a_form_is_told_what_is_taken(client: Any) -> None:
    response = client.post("/api/predict", content=b"weight: 3", headers={"Content-Type": "text/yaml"})
    assert (response.status_code, response.json()["error"]) == (
        415,
        "Questions are application/json or multipart/form-data, and this one is text/yaml. Set the header Content-Type.",
    )
    without = client.post("/api/predict", content=b"weight: 3")
    assert "this one is of no type" in without.json()["error"]


def test_a_form_that_is_torn_or_says_a_field_twice_is_refused(client: Any) -> None:
    torn = client.post(
        "/api/predict", content=b"--x\r\nContent", headers={"Content-Type": "multipart/form-data"}
    )
    assert (torn.status_code, torn.json()["error"][:25]) == (400, "The form cannot be read: ")
    twice = client.post("/api/predict", files=[("photo", png()), ("photo", png())])
    assert (twice.status_code, twice.json()["error"]) == (422, "The form has the field 'photo' twice.")


def test_too_large_a_body_is_refused_whatever_it_says_of_its_length(client: Any) -> None:
    def pieces() -> Any:
        for _ in range(3):
            yield b" " * (1 << 19)

    for content in (b" " * ((1 << 20) + 1), pieces()):
        response = client.post("/api/predict", content=content, headers=JSON)
        assert response.status_code == 413
        assert response.json()["error"].startswith("The request is larger than the 1 MiB that are taken.")


def test_too_many_pixels_are_refused_before_they_are_decoded(client: Any) -> None:
    response = client.post("/api/predict", files={"photo": ("large.png", png(101, 103))})
    assert response.status_code == 413
    assert response.json()["error"] == (
        "The picture for 'photo' has 10,403 pixels, and at most 10,000 are taken. Make it smaller."
    )


def test_the_run_tells_what_it_is(client: Any, run: Path) -> None:
    said = client.get("/api/run").json()
    assert (said["run"], said["task"], said["device"]) == ("pets", "table", "cpu")
    columns = {each["column"]: each for each in said["columns"]}
    assert {name: each["form"] for name, each in columns.items()} == {
        "photo": "file", "weight": "number", "born": "date", "house": "choice", "note": "words"
    }  # fmt: skip
    assert columns["weight"]["low"] < columns["weight"]["high"]
    assert sorted(columns["house"]["choices"]) == ["farm", "flat", "garden"]
    assert [(each["name"], each["answer"]) for each in said["answers"]] == [
        ("animal", "class"), ("price", "number")
    ]  # fmt: skip
    measured = json.loads((run / "results.json").read_text())["test"]
    assert said["score"]["value"] == measured[said["score"]["measure"]]
    assert said["limits"]["rows"] == 5


def test_the_description_fits_what_the_address_takes_and_gives(client: Any) -> None:
    document = client.get("/api/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    schemas = document["components"]["schemas"]
    assert set(schemas["Row"]["properties"]) == set(ROW)
    assert "/api/pieces" not in document["paths"]
    operation = document["paths"]["/api/predict"]["post"]
    assert set(operation["requestBody"]["content"]) == {"application/json", "multipart/form-data"}
    assert set(operation["responses"]) == {"200", "400", "413", "415", "422", "500", "503"}
    assert set(schemas["Answers"]["required"]) == set(predict(client, {"weight": 3}).json())
    for path, methods in document["paths"].items():
        for method in methods:
            assert client.request(method, path).status_code != 404
    text = json.dumps(document)
    assert all(f'"#/components/schemas/{name}"' in text for name in ("Row", "Question", "Answers", "Refusal"))


def test_health_counts_what_was_answered(client: Any) -> None:
    before = client.get("/health").json()
    predict(client, [{"weight": 3}, {"weight": 5}])
    after = client.get("/health").json()
    assert (after["status"], after["waiting"]) == ("ok", 0)
    assert after["answered"] == before["answered"] + 2
    assert after["batches"] == before["batches"] + 1


def test_the_wrong_method_and_an_unknown_address_are_told_as_json(client: Any) -> None:
    wrong = client.get("/api/predict")
    assert (wrong.status_code, wrong.json()) == (405, {"error": "Method Not Allowed."})
    assert client.get("/api/nothing").json() == {"error": "Not Found."}


def test_another_name_of_this_machine_is_refused(client: Any) -> None:
    """A page of somebody else's whose name is made to lead here could otherwise read what this address answers."""
    assert client.get("/api/run", headers={"Host": "evil.example"}).status_code == 400


def test_a_run_that_answers_at_once_gives_no_pieces(client: Any) -> None:
    response = client.post("/api/pieces", json={"inputs": {"weight": 3}})
    assert (response.status_code, response.json()["error"]) == (
        404, "This run answers at once, not piece by piece. Ask /api/predict."
    )  # fmt: skip


def test_a_picture_of_numbers_is_no_file(client: Any) -> None:
    pixels = np.asarray(Image.new("L", (3, 2))).tolist()
    response = predict(client, {"photo": pixels})
    assert response.status_code == 422


@pytest.mark.parametrize("cell", [{"path": "/etc/passwd"}, {"base64": "", "other": 1}, {}])
def test_an_object_that_is_no_file_is_never_taken_for_a_text(client: Any, cell: Any) -> None:
    for column in ("note", "photo"):
        response = predict(client, {column: cell})
        assert response.status_code == 422
        assert f"The value for '{column}' must be plain, or a file as" in response.json()["error"]
