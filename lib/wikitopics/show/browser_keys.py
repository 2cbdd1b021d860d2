"""The keys of the browser of mistakes: the one piece of JavaScript in this project, and why it is there.

Plain ipywidgets hear no arrow keys, and JupyterLab takes digits for itself: "2" typed after a click on a
thumbnail would turn the notebook's cell into a heading. So one listener sits on the browser's own element,
presses the buttons that are there anyway, and keeps such keys from JupyterLab. It is a constant, no text
of other people ever comes near it, and where a page forbids inline handlers every button still works.
"""

KEYS = {
    "ArrowRight": ".mb-next",
    "ArrowDown": ".mb-next",
    "ArrowLeft": ".mb-back",
    "ArrowUp": ".mb-back",
    "PageDown": ".mb-later",
    "PageUp": ".mb-earlier",
    "1": ".mb-verdict-1",
    "2": ".mb-verdict-2",
    "3": ".mb-verdict-3",
}
NAME = "Browser of mistakes. Arrow keys: next and previous image. 1, 2, 3: label right, label wrong, unsure."

_LISTENER = """
(root => {
  if (!root || root.dataset.keys) return;
  root.dataset.keys = 'on'; root.tabIndex = 0;
  root.setAttribute('role', 'group'); root.setAttribute('aria-label', '%(name)s');
  const keys = %(keys)s;
  root.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || ['Escape', 'Tab'].includes(event.key)) return;
    if (event.key === 'Enter' && event.shiftKey) return;
    event.stopPropagation();
    if (event.target.closest('input, select, textarea, .noUi-handle, .widget-readout')) return;
    const button = keys[event.key] && root.querySelector(keys[event.key]);
    if (!button) return;
    event.preventDefault(); root.focus({preventScroll: true}); button.click();
  });
})(this.closest('.mistake-browser'))
"""

# One pixel, drawn at once: HTML set by a widget runs no <script>, but it does load its images.
_PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def listener(name: str = NAME) -> str:
    """HTML that, once shown inside the browser's element, makes that element listen to keys.

    `name` is what a screen reader says of the element: a constant of ours, without quotes.
    """
    keys = "{" + ", ".join(f"'{key}': '{button}'" for key, button in KEYS.items()) + "}"
    script = " ".join((_LISTENER % {"name": name, "keys": keys}).split())
    return f'<img src="{_PIXEL}" alt="" width="1" height="1" class="mb-ear" onload="{script}">'
