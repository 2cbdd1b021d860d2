"""What kind of file the first bytes say it is, whatever its name says."""

SUPPORTED = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")

_STARTS = {  # first bytes -> kind; the supported ones in the words of Pillow
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
    b"%PDF": "pdf",
    b"AT&TFORM": "djvu",
    b"OggS": "ogg (sound or video)",
    b"\x1aE\xdf\xa3": "webm (video)",
    b"fLaC": "flac (sound)",
    b"ID3": "mp3 (sound)",
    b"\xff\xfb": "mp3 (sound)",
    b"MThd": "midi (sound)",
    b"8BPS": "psd",
    b"gimp xcf": "xcf",
    b"\0\0\x01\0": "ico",
    b"\xff\x0a": "jxl",
    b"\0\0\0\x0cJXL ": "jxl",
    b"\0\0\0\x0cjP": "jp2",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
}


def kind_of(data: bytes) -> str:
    """The kind by the first bytes: one of SUPPORTED, another known kind, "html", "text" or "unknown".

    >>> kind_of(b"GIF89a..."), kind_of(b"<!DOCTYPE html>"), kind_of(b"<svg/>"), kind_of(b"\\x03")
    ('GIF', 'html', 'svg', 'unknown')
    """
    head = data[:1024]
    if head[:4] == b"RIFF":
        return {b"WEBP": "WEBP", b"WAVE": "wav (sound)"}.get(head[8:12], "riff")
    if head[4:8] == b"ftyp":
        brand = head[8:12].decode("latin-1").strip()
        return "avif" if brand.startswith("avi") else "heic" if brand[:3] in ("hei", "mif") else "mp4 (video)"
    for start, kind in _STARTS.items():
        if head.startswith(start):
            return kind
    return _kind_of_text(head)


def _kind_of_text(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in text or b"<!doctype svg" in text:
        return "svg"
    if text.startswith((b"<!doctype html", b"<html")) or b"<head" in text or b"<body" in text:
        return "html"
    printable = bool(text) and all(byte >= 32 or byte in b"\t\r\n\f" for byte in text)
    return "text" if printable else "unknown"
