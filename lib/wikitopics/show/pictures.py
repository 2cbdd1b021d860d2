"""Pictures as bytes small enough to live in a notebook."""

import base64
import html
import io

from PIL import Image

JPEG_QUALITY = 82
PNG_COLOURS = 64


def picture_bytes(image: Image.Image, format: str = "jpeg") -> bytes:
    """The picture as a JPEG, or as a PNG of at most 64 colours where `format` is "png" (for drawings)."""
    buffer = io.BytesIO()
    if format == "png":
        # Median cut keeps the colours of large areas exactly; only the softened edges of letters move.
        quantised = image.convert("RGB").quantize(PNG_COLOURS, dither=Image.Dither.NONE)
        quantised.save(buffer, "PNG", optimize=True)
    else:
        image.convert("RGB").save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def encoded(image: Image.Image, format: str = "jpeg") -> str:
    """The picture's bytes in base64, as notebook outputs hold them."""
    return base64.b64encode(picture_bytes(image, format)).decode("ascii")


def img_tag(image: Image.Image, alt: str, width: int, format: str = "jpeg") -> str:
    """An <img> that carries its own bytes; sized by attributes, since code hosts strip styles.

    >>> img_tag(Image.new("RGB", (2, 2)), 'a "b" <i>', 2)[-50:].split("alt=")[1]
    '"a &quot;b&quot; &lt;i&gt;" width="2">'
    """
    source = f"data:image/{format};base64,{encoded(image, format)}"
    return f'<img src="{source}" alt="{html.escape(alt, quote=True)}" width="{width}">'
