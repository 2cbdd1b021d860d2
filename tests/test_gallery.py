"""Static galleries: what an executed notebook shows of the mistakes where no kernel runs."""

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from wikitopics.errors import UserError
from wikitopics.show.pictures import (
    WIDTH,
    contact_sheet,
    cut,
    drawable,
    fitted,
    font,
    mistakes_table,
    picture_bytes,
    wrapped,
)

HOSTILE = '<img src=x onerror="alert(1)">'


def plain_images(n: int) -> list[np.ndarray]:
    return [np.full((20 + i, 40, 3), (10 * i, 200, 30), np.uint8) for i in range(n)]


def test_contact_sheet_holds_every_image_at_its_place():
    images = [np.full((30, 30, 3), colour, np.uint8) for colour in ((200, 0, 0), (0, 200, 0), (0, 0, 200))]
    sheet = np.asarray(contact_sheet(images, ["a", "b", "c"], columns=2))
    cell = WIDTH // 2
    for i, channel in enumerate((0, 1, 2)):
        y, x = 200 + i // 2 * (sheet.shape[0] // 2), 200 + i % 2 * cell
        assert sheet[y, x].argmax() == channel


def test_contact_sheet_has_one_width_and_grows_by_rows():
    sizes = [contact_sheet(plain_images(n), ["caption"] * n, columns=6).size for n in (0, 6, 7, 24)]
    assert {width for width, _ in sizes} == {WIDTH}
    heights = [height for _, height in sizes]
    assert heights[1] < heights[2] < heights[3]


def test_contact_sheet_of_24_photographs_is_small_enough_for_a_notebook():
    rng = np.random.default_rng(0)
    soft = [
        np.asarray(Image.fromarray(rng.integers(0, 255, (9, 9, 3), np.uint8)).resize((128, 128)))
        for _ in range(24)
    ]
    assert len(picture_bytes(contact_sheet(soft, ["A title\nfalse positive"] * 24), "jpeg")) < 150_000


def test_one_caption_an_image():
    with pytest.raises(UserError, match="2 images and 1 captions"):
        contact_sheet(plain_images(2), ["only one"])


@pytest.mark.parametrize(
    "caption",
    ["", "京都の寺院 (日本).jpg", "مسجد الشيخ زايد.jpg", "x" * 5000, HOSTILE, "a\0b\n\n$x_1$", "🦊" * 40],
)
def test_any_title_can_be_a_caption(caption: str):
    assert contact_sheet(plain_images(1), [caption]).size[0] == WIDTH


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=80), width=st.integers(40, 200), lines=st.integers(1, 3))
def test_captions_stay_inside_their_box(text: str, width: int, lines: int):
    rows = wrapped(text, width, 11, lines)
    assert len(rows) <= lines
    assert all(font(11).getlength(row) <= width for row in rows)
    assert cut(drawable(text), 1e6, 11) == drawable(text)


def test_characters_without_a_glyph_become_one_box():
    assert drawable("東京\ttower 🦊") == "□ tower □"


def test_images_keep_their_proportions():
    assert fitted(np.zeros((10, 40, 3), np.uint8), 80).size == (80, 20)
    assert fitted(np.zeros((1, 4000, 3), np.uint8), 80).size == (80, 1)


# -- the table -------------------------------------------------------------------------------------


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "title": [HOSTILE, "B & C.png"],
            "row": [1, 0],
            "label": ["Animals", "</td><script>alert(1)</script>"],
            "kind": ["false positive", "false negative"],
            "score": [0.98765, 0.1],
            "threshold": [0.5, 0.5],
        }
    )


def test_table_escapes_every_cell():
    html = mistakes_table(table(), plain_images(2))
    assert "<script" not in html and "<img src=x" not in html
    assert "B &amp; C.png" in html and "0.988" in html


def test_thumbnails_belong_to_their_row_and_need_no_style():
    html = mistakes_table(table(), [np.full((8, 8, 3), value, np.uint8) for value in (0, 255)])
    assert "style=" not in html and "class=" not in html
    pictures = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)" alt="[^"]*" width="\d+">', html)
    means = [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).mean() for data in pictures]
    assert means[0] > 250 and means[1] < 5


def test_table_says_what_it_leaves_out():
    long = pd.concat([table()] * 20, ignore_index=True)
    html = mistakes_table(long, rows=24)
    assert html.count("<tr>") == 25 and "16 more not shown" in html
    assert mistakes_table(table().head(0)).count("<tr>") == 1


def test_columns_the_table_lacks_are_left_out_and_lists_are_joined():
    frame = table().assign(labels=[["a", "<b>"], []])
    html = mistakes_table(frame, columns=("title", "labels", "nothing"))
    assert "a, &lt;b&gt;" in html and "nothing" not in html
