"""How the browsers look and which keys they hear: one style sheet, one listener.

Thumbnails are one HTML grid; over it lies a grid of transparent buttons with the same tracks, because
plain ipywidgets hear clicks on buttons only. Both take their geometry from the numbers below.
"""

from wikitopics.show.theme import PALETTE

COLUMNS, TILE_PX, CAPTION_PX, GAP_PX = 4, 116, 36, 10
LEFT_PX = COLUMNS * TILE_PX + (COLUMNS - 1) * GAP_PX + 6
WRONG, RIGHT = PALETTE[4], PALETTE[0]  # vermillion and blue

_COLOURS = f"""
.mistake-browser {{
  --mb-ink: var(--jp-ui-font-color1, #1f2933); --mb-soft: var(--jp-ui-font-color2, #5f6b78);
  --mb-line: var(--jp-border-color2, #d9dee3); --mb-page: var(--jp-layout-color1, #fff);
  --mb-tint: var(--jp-layout-color2, #f3f5f7); --mb-right: {RIGHT}; --mb-wrong: {WRONG};
}}
.mb-false-positive {{ background: var(--mb-wrong); }}
.mb-false-negative {{ background: var(--mb-right); }}
.mb-true-positive {{ background: #4b5863; }}
.mb-true-negative {{ background: #7b8794; }}
"""

_FRAME = f"""
.mistake-browser {{ color: var(--mb-ink); padding: 4px; border-radius: 6px; overflow: visible;
  font: 13px/1.45 var(--jp-ui-font-family, sans-serif); }}
.mistake-browser:focus {{ outline: 2px solid var(--mb-right); }}
.mistake-browser :focus-visible {{ outline: 3px solid var(--mb-right) !important; outline-offset: 1px; }}
.mistake-browser .widget-html, .mistake-browser .widget-html-content {{ margin: 0; padding: 0; height: auto;
  line-height: 1.45; font-size: 13px; overflow: visible; }}
.mistake-browser .widget-hbox, .mistake-browser .widget-vbox {{ overflow: visible; }}
.mistake-browser .mb-ear {{ position: absolute; }}
.mb-filters {{ flex-flow: row wrap !important; gap: 4px 20px; padding: 8px 12px; border-radius: 6px;
  background: var(--mb-tint); align-items: center; }}
.mb-filters .widget-label {{ width: 76px !important; text-align: left; color: var(--mb-soft); }}
.mb-filters .widget-dropdown {{ width: 262px; }}
.mb-filters .widget-slider {{ width: 262px; }}
.mb-filters .widget-readout {{ min-width: 76px !important; width: 76px; white-space: nowrap; }}
.mb-body {{ flex-flow: row wrap !important; gap: 8px 24px; align-items: flex-start; padding-top: 8px; }}
.mb-left {{ flex: 0 0 {LEFT_PX}px; }}
.mb-right {{ flex: 1 1 420px; min-width: 400px; }}
.mb-pager, .mb-row {{ align-items: center; gap: 6px; min-height: 36px; }}
.mb-pager .widget-label {{ width: auto !important; }}
.mistake-browser kbd {{ border: 1px solid var(--mb-line); border-bottom-width: 2px; border-radius: 3px;
  padding: 0 5px; font: 11px/1.5 var(--jp-code-font-family, monospace); background: var(--mb-page);
  color: var(--mb-ink); box-shadow: none; }}
.mb-soft {{ color: var(--mb-soft); }}
.mb-none {{ color: var(--mb-soft); padding: 60px 12px; text-align: center; }}
"""

_TILES = f"""
.mb-stage {{ position: relative; overflow: visible; padding: 3px; }}
.mb-tiles, .mb-hits {{ display: grid !important; gap: {GAP_PX}px;
  grid-template-columns: repeat({COLUMNS}, {TILE_PX}px); grid-auto-rows: {TILE_PX + CAPTION_PX}px; }}
.mb-hits {{ position: absolute; inset: 3px; margin: 0; padding: 0; overflow: visible; }}
.mistake-browser .mb-hits button {{ width: auto; height: auto; margin: 0; padding: 0; opacity: 1;
  background: transparent; color: transparent; border-radius: 5px; overflow: hidden; white-space: nowrap;
  font-size: 1px; box-shadow: none; }}
.mistake-browser .mb-hits button:hover {{ box-shadow: 0 0 0 2px var(--mb-line); }}
.mistake-browser .mb-hits button.mb-open {{ box-shadow: 0 0 0 3px var(--mb-right); }}
.mb-tile {{ margin: 0; font-size: 11px; line-height: 1.4; }}
.mb-tile .mb-frame {{ height: {TILE_PX}px; box-sizing: border-box; position: relative; background: #fff;
  border: 1px solid var(--mb-line); border-radius: 5px; overflow: hidden; }}
.mb-tile img {{ width: 100%; height: 100%; object-fit: contain; }}
.mb-tile figcaption {{ padding: 2px 4px 0; }}
.mb-line {{ white-space: nowrap; overflow: hidden; text-overflow: ellipsis; display: block; }}
.mb-badge {{ display: inline-block; padding: 0 5px; border-radius: 3px; font-weight: 600; color: #fff; }}
.mb-verdict {{ position: absolute; right: 3px; top: 3px; padding: 0 7px; border-radius: 9px;
  background: #1f2933; color: #fff; font-size: 12px; }}
"""

_OPENED = """
.mb-head { display: flex; gap: 16px; align-items: flex-start; }
.mb-head > img { width: 224px; height: 224px; object-fit: contain; flex: none; background: #fff;
  border: 1px solid var(--mb-line); border-radius: 6px; }
.mb-head p { margin: 6px 0 0; }
.mb-title { font-size: 15px; font-weight: 600; overflow-wrap: anywhere; }
.mb-right h4 { margin: 14px 0 5px; font-size: 11px; font-weight: 600; text-transform: uppercase;
  letter-spacing: .05em; color: var(--mb-soft); }
.mb-scores { display: grid; grid-template-columns: minmax(90px, max-content) 1fr 46px; gap: 3px 10px;
  align-items: center; max-height: 320px; overflow-y: auto; font-size: 12px; }
.mb-scores .mb-asked { font-weight: 600; }
.mb-track { position: relative; height: 12px; background: var(--mb-tint); border-radius: 2px; }
.mb-bar { position: absolute; left: 0; top: 0; bottom: 0; border-radius: 2px; background: #9aa5b1; }
.mb-bar.mb-true { background: var(--mb-right); }
.mb-bar.mb-false { background: repeating-linear-gradient(45deg, var(--mb-wrong) 0 4px, #f2b58c 4px 7px); }
.mb-cut { position: absolute; top: -2px; bottom: -2px; width: 2px; background: var(--mb-ink); }
.mb-labels { border-collapse: collapse; font-size: 12px; width: 100%; }
.mb-labels tr { background: none !important; }
.mb-labels th, .mb-labels td { text-align: left !important; vertical-align: top; padding: 2px 14px 2px 0;
  font-weight: normal; }
.mb-labels th { color: var(--mb-soft); white-space: nowrap; width: 1%; }
.mb-chip { display: inline-block; padding: 0 8px; margin: 1px 4px 1px 0; border-radius: 9px;
  border: 1px solid var(--mb-line); background: var(--mb-tint); overflow-wrap: anywhere; font-size: 12px; }
.mb-chip.mb-asked { border-color: var(--mb-ink); font-weight: 600; }
.mb-path { font-size: 12px; margin: 2px 0; overflow-wrap: anywhere; }
.mb-near { display: grid; grid-template-columns: repeat(auto-fill, 92px); gap: 8px 10px; }
.mb-near figure { margin: 0; font-size: 10.5px; line-height: 1.35; }
.mb-near img { width: 92px; height: 92px; object-fit: contain; box-sizing: border-box; background: #fff;
  border: 1px solid var(--mb-line); border-radius: 4px; }
"""

_REVIEW = """
.mb-review { margin-top: 10px; padding: 8px 12px; background: var(--mb-tint); border-radius: 6px; }
.mb-review .widget-label { width: 100px !important; text-align: left; color: var(--mb-soft); }
.mistake-browser .mb-verdicts button { min-width: 104px; background: var(--mb-page); color: var(--mb-ink);
  border: 1px solid var(--mb-line); border-radius: 3px; }
.mistake-browser .mb-verdicts button.mb-chosen { background: var(--mb-ink); color: var(--mb-page);
  border-color: var(--mb-ink); box-shadow: none; }
.mb-review .mb-row { flex-wrap: wrap; }
.mb-review .mb-row button { flex: none; }
.mb-review .widget-select-multiple { width: 100%; max-width: 420px; }
"""

STYLE = "<style>" + "".join((_COLOURS, _FRAME, _TILES, _OPENED, _REVIEW)).replace("\n  ", " ") + "</style>"

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


# --- The keys of the browser of mistakes: the one piece of JavaScript in this project, and why it is there
#
# Plain ipywidgets hear no arrow keys, and JupyterLab takes digits for itself: "2" typed after a click on a
# thumbnail would turn the notebook's cell into a heading. So one listener sits on the browser's own element,
# presses the buttons that are there anyway, and keeps such keys from JupyterLab. It is a constant, no text
# of other people ever comes near it, and where a page forbids inline handlers every button still works.


def listener(name: str = NAME) -> str:
    """HTML that, once shown inside the browser's element, makes that element listen to keys.

    `name` is what a screen reader says of the element: a constant of ours, without quotes.
    """
    keys = "{" + ", ".join(f"'{key}': '{button}'" for key, button in KEYS.items()) + "}"
    script = " ".join((_LISTENER % {"name": name, "keys": keys}).split())
    return f'<img src="{_PIXEL}" alt="" width="1" height="1" class="mb-ear" onload="{script}">'
