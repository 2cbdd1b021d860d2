"""The widths at which Wikimedia serves thumbnails; any other is refused by its servers."""

import re

from wikitopics.errors import UserError

# operations/mediawiki-config, CommonSettings.php, $wgThumbnailSteps, as of August 2026.
STEPS = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)


def standard_width(width: int) -> int:
    """The smallest standard width of at least `width` pixels. Raises UserError above the largest.

    >>> standard_width(224), standard_width(330)
    (250, 330)
    """
    for step in STEPS:
        if step >= width >= 1:
            return step
    raise UserError(
        f"width must be from 1 to {STEPS[-1]} pixels, since Wikimedia has no other thumbnails, but is "
        f"{width}; choose one of {', '.join(map(str, STEPS))}"
    )


def is_standard(url: str) -> bool:
    """Whether an address is that of a thumbnail of a standard width.

    A file that is narrower than the width asked for and whose form is changed on the way (WebP, TIFF) is
    offered at its own width, which Wikimedia's servers may refuse: its original is to be taken instead.

    >>> is_standard("https://x.org/thumb/8/85/A.webp/91px-A.webp.png"), is_standard("https://x.org/8/85/A.webp")
    (False, False)
    >>> is_standard("https://x.org/thumb/8/85/A.tif/lossy-page1-330px-A.tif.jpg")
    True
    """
    found = re.search(r"/thumb/.*/(?:[a-z0-9-]+-)?(\d+)px-[^/]*$", url)
    return found is not None and int(found[1]) in STEPS
