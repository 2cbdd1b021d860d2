// The page of every browser of wikitopics: tiles, one picture in full, a map, verdicts, keys.
//
// Values come from the kernel as `model.get(...)`; what a person does goes back as messages, which are never
// merged or dropped, as changes of values are. Other people's text becomes text nodes, never markup; nothing
// is asked of any host. A static page gives another `model` (static.js of the site), and works from a file.

const SIGN = {
  "true positive": "✓",
  "false negative": "−",
  "false positive": "+",
  "true negative": "·",
  given: "✓",
  "not given": "·",
};
const WORD = {
  "true positive": "right",
  "false negative": "missed",
  "false positive": "wrongly said",
  given: "given",
};
const SHORT = {
  "true positive": "TP",
  "false negative": "FN",
  "false positive": "FP",
  "true negative": "TN",
};
const MARK = { "label right": "✓", "label wrong": "✗", unsure: "?" };
const TILE = { least: 72, most: 240, usual: 112 };
const PATIENCE = 150; // milliseconds from the last key in the search field, or a slider's move, to the question
const KEYS = {
  mistakes: [
    ["← →", "previous, next"],
    ["↑ ↓", "a row up, down"],
    ["PageUp PageDown", "a page back, on"],
    ["Home End", "first, last"],
    ["1", "label right"],
    ["2", "label wrong"],
    ["3", "unsure: of what is asked, or of all that is marked; the next comes"],
    ["c", "ask about one label, the next one, all"],
    ["l", "go to the labels; Space gives or takes one"],
    ["s", "save labels"],
    ["u", "undo, step by step"],
    ["t", "take the verdict back"],
    ["x", "mark, or unmark; Shift and a click: all between"],
    ["a", "mark all on the page"],
    ["z", "large picture; + − 0 zoom"],
    ["n", "more like this"],
    ["/", "search; ~a red fox: pictures like these words first, where the run's network reads"],
    ["m", "go to the map; arrows move a circle, + − its size, Space brushes"],
    ["h", "hops of the category graph"],
    ["v", "views"],
    ["?", "this help"],
    ["Esc", "close; forget what is not saved; unmark"],
  ],
  topics: [
    ["← →", "previous, next"],
    ["↑ ↓", "a row up, down"],
    ["PageUp PageDown", "a page back, on"],
    ["Home End", "first, last"],
    ["1 2 3", "topics right, wrong, unsure; the next comes"],
    ["c", "ask about one topic, the next one, all"],
    ["l", "go to the labels; Space gives or takes one"],
    ["s", "save labels"],
    ["u", "undo"],
    ["x a", "mark; all on the page"],
    ["z", "large picture"],
    ["/", "search"],
    ["?", "this help"],
    ["Esc", "close; forget; unmark"],
  ],
  looking: [
    ["← →", "previous, next"],
    ["↑ ↓", "a row up, down"],
    ["PageUp PageDown", "a page back, on"],
    ["Home End", "first, last"],
    ["c", "look at one label, the next one, all"],
    ["z", "large picture; + − 0 zoom"],
    ["/", "search"],
    ["?", "this help"],
    ["Esc", "close"],
  ],
  annotator: [
    ["1", "save what is chosen, and go on"],
    ["2", "none of these, and go on"],
    ["3", "skip"],
    ["← →", "back, next"],
    ["l", "go to the labels; Space gives or takes one"],
    ["u", "forget what is not saved"],
    ["z", "large picture"],
    ["?", "this help"],
  ],
};

function h(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else if (name === "style")
      for (const [key, one] of Object.entries(value)) made.style.setProperty(key, one);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return made;
}

function picture(data, alt, name = "") {
  const made = h("img", { alt, class: name, draggable: "false" });
  if (typeof data === "string") {
    if (data.startsWith("data:image/")) made.src = data;
  } else if (data) made.src = `data:image/jpeg;base64,${inBase64(data)}`;
  return made;
}
// An address of a Blob is asked of the browser's main process, each for a millisecond; this costs a hundredth.
function inBase64(data) {
  const bytes = new Uint8Array(data.buffer || data, data.byteOffset || 0, data.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

const count = number => Number(number).toLocaleString("en");
// A drop-down; chosen from with the pointer it gives the focus back, so that keys are heard again.
function dropDown(view, options, given, act) {
  const made = h(
    "select",
    given,
    options.map(([value, shown]) => h("option", { value }, shown)),
  );
  let pointed = false;
  made.addEventListener("pointerdown", () => {
    pointed = true;
  });
  made.addEventListener("keydown", () => {
    pointed = false;
  });
  made.addEventListener("change", () => {
    act(made.value);
    if (pointed) view.root.focus({ preventScroll: true });
  });
  return made;
}
const later = (act, wait) => {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...args), wait);
  };
};

class View {
  constructor(model, el) {
    this.model = model;
    this.setup = model.get("setup");
    this.kind = this.setup.kind;
    this.root = h("div", {
      class: `wt wt-${this.kind}`,
      tabindex: "0",
      role: "group",
      "aria-label": this.setup.name,
      "data-lm-suppress-shortcuts": "true",
    });
    this.root.addEventListener("keydown", event => this.key(event));
    this.undo = [];
    this.layer = h("div", { class: "wt-layer", hidden: true });
    this.status = h("div", { class: "wt-said", role: "status", "aria-live": "polite" });
    el.append(this.root);
    this.dress();
  }

  get(name) {
    return this.model.get(name) || {};
  }
  send(act, more = {}) {
    this.model.send({ act, ...more });
  }
  hear(names, act) {
    for (const name of [names].flat()) {
      const heard = () => this.keeping(act);
      this.model.on(`change:${name}`, heard);
      this.undo.push(() => this.model.off(`change:${name}`, heard));
    }
    act();
  }

  // What had the focus keeps it, though it is drawn anew: else keys would go to the notebook.
  keeping(draw) {
    const before = this.root.getRootNode().activeElement;
    const inside = before && this.root.contains(before);
    const key = inside ? before.getAttribute("data-key") : null;
    draw();
    const there = one => one && one.isConnected && one.getClientRects().length > 0 && !one.disabled;
    if (!inside || there(before)) return;
    const again =
      key && [...this.root.querySelectorAll("[data-key]")].find(one => one.getAttribute("data-key") === key);
    (there(again) ? again : this.root).focus({ preventScroll: true });
  }

  // Colours of the notebook's theme; those that mean something come from theme.py.
  dress() {
    const apply = () => {
      const ground = getComputedStyle(this.root).backgroundColor.match(/[\d.]+/g) || [255, 255, 255];
      this.dark = 0.3 * ground[0] + 0.59 * ground[1] + 0.11 * ground[2] < 128;
      this.root.classList.toggle("wt-dark", this.dark);
      for (const [name, colour] of Object.entries(this.setup.theme.meaning))
        this.root.style.setProperty(`--wt-${name}`, this.colour(colour));
      if (this.map) this.map.draw();
    };
    const soon = () => requestAnimationFrame(() => requestAnimationFrame(apply));
    const watch = new MutationObserver(soon);
    for (const one of [document.documentElement, document.body])
      watch.observe(one, {
        attributes: true,
        attributeFilter: ["class", "data-jp-theme-light", "data-jp-theme-name", "data-theme", "style"],
      });
    const wish = matchMedia("(prefers-color-scheme: dark)");
    wish.addEventListener("change", soon);
    this.undo.push(
      () => watch.disconnect(),
      () => wish.removeEventListener("change", soon),
    );
    apply();
    soon();
  }
  colour(light) {
    return (this.dark && this.setup.theme.dark[light.toLowerCase()]) || light;
  }

  key(event) {
    if (event.isComposing) return;
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key.toLowerCase() === "z" && !event.target.closest("input:not([type=range])")) {
      event.preventDefault();
      event.stopPropagation();
      this.press("u", event);
      return;
    }
    if (control || event.altKey || event.key === "Tab" || (event.key === "Enter" && event.shiftKey)) return;
    event.stopPropagation();
    const typing = event.target.closest("input:not([type=range]):not([type=checkbox]), select, textarea");
    if (typing && event.key !== "Escape") return;
    if (event.target.closest("input[type=range]") && /^(Arrow|Home|End|Page)/.test(event.key)) return;
    if (typing) {
      this.root.focus({ preventScroll: true });
      return;
    }
    if (event.key === " " || event.key === "Enter") return;
    if (this.press(event.key, event)) event.preventDefault();
  }

  press(key, event) {
    if (key === "?") {
      this.help();
      return true;
    }
    if (key === "Escape" && !this.layer.hidden) {
      this.close();
      return true;
    }
    if (!this.layer.hidden) return this.zoomed ? this.zoomed(key) : false; // nothing behind it is judged
    const act = this.keys[key];
    if (act) act(event);
    return Boolean(act);
  }

  // A layer over everything: help, a large picture, hops, text to copy.
  open(name, ...children) {
    this.zoomed = null;
    const shut = h(
      "button",
      { class: "wt-shut", "data-key": "shut", on: { click: () => this.close() } },
      "Close (Esc)",
    );
    this.layer.replaceChildren(
      h(
        "div",
        { class: "wt-sheet", role: "dialog", "aria-modal": "true", "aria-label": name },
        h("div", { class: "wt-row" }, h("h3", {}, name), shut),
        ...children,
      ),
    );
    this.layer.hidden = false;
    shut.focus({ preventScroll: true });
  }
  close() {
    this.layer.hidden = true;
    this.layer.replaceChildren();
    this.zoomed = null;
    this.root.focus({ preventScroll: true });
  }
  help() {
    const looking = this.setup.verdicts.length === 0 && this.kind !== "annotator";
    const rows = KEYS[looking ? "looking" : this.kind].map(([key, what]) =>
      h(
        "tr",
        {},
        h(
          "th",
          { scope: "row" },
          key.split(" ").map(one => h("kbd", {}, one)),
        ),
        h("td", {}, what),
      ),
    );
    this.open("Keys", h("table", { class: "wt-keys" }, h("tbody", {}, rows)));
  }

  enlarge(data, title, told) {
    let scale = 1;
    const image = picture(data, title, "wt-huge");
    const size = step => {
      scale = step === 0 ? 1 : Math.min(8, Math.max(0.5, scale * step));
      image.style.width = `${100 * scale}%`;
      image.style.maxWidth = "none";
    };
    const frame = h(
      "div",
      {
        class: "wt-zoom",
        tabindex: "0",
        "data-key": "zoom",
        on: {
          wheel: event => {
            if (event.ctrlKey || event.shiftKey) {
              event.preventDefault();
              size(event.deltaY < 0 ? 1.2 : 1 / 1.2);
            }
          },
        },
      },
      image,
    );
    const tools = [
      ["+", 1.4],
      ["−", 1 / 1.4],
      ["1:1", 0],
    ].map(([name, step]) =>
      h(
        "button",
        {
          "aria-label": { "+": "larger", "−": "smaller" }[name] || "as large as the frame",
          on: { click: () => size(step) },
        },
        name,
      ),
    );
    this.open(title, h("div", { class: "wt-row" }, ...tools, h("span", { class: "wt-soft" }, told)), frame);
    this.zoomed = key => {
      const step = { "+": 1.4, "=": 1.4, "-": 1 / 1.4, 0: 0 }[key];
      if (step !== undefined) size(step);
      return step !== undefined;
    };
  }

  drawSaid() {
    const said = this.get("said");
    this.status.classList.toggle("wt-failed", Boolean(said.failed));
    this.status.setAttribute("role", said.failed ? "alert" : "status");
    this.status.replaceChildren(said.text || "");
  }
  button(name, act, given = {}) {
    return h("button", { "data-key": name, ...given, on: { click: act } }, name);
  }
}

// --- tiles beside one picture: the browsers of mistakes and of topics

class Browser extends View {
  constructor(model, el) {
    super(model, el);
    const { has } = this.setup;
    this.keys = {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      ArrowUp: () => this.step(-this.columns()),
      ArrowDown: () => this.step(this.columns()),
      PageUp: () => this.turn(-1),
      PageDown: () => this.turn(1),
      Home: () => this.show(0),
      End: () => this.show(this.get("page").total - 1),
      c: () => this.nextQuestion(),
      l: () => this.root.querySelector(".wt-toggle")?.focus(),
      s: () => this.send("save", { tile: this.get("opened").id }),
      u: () => this.send("undo"),
      t: () => this.send("back", { tile: this.get("opened").id }),
      x: () => this.mark(),
      a: () => this.send("mark page"),
      Escape: () => this.send("discard"),
      z: () => this.send("large"),
      "/": () => {
        this.search.focus();
        this.search.select();
      },
      n: () => has.near && this.send("alike"),
      h: () => has.why && this.send("hops"),
      v: () => has.views && this.send("views"),
      m: () => this.map && this.map.canvas.focus(),
    };
    this.setup.verdicts.forEach((verdict, i) => {
      this.keys[i + 1] = () => this.judge(verdict);
    });
    this.grid = h("div", { class: "wt-grid", role: "list", "aria-label": "pictures" });
    this.pager = h("div", { class: "wt-pager wt-row" });
    this.only = h("div", { class: "wt-only wt-row", hidden: true });
    this.detail = h("div", { class: "wt-detail", role: "region", "aria-label": "the opened picture" });
    this.near = h("div", { class: "wt-near" });
    this.curve = h("div", { class: "wt-curve", hidden: true });
    this.progress = h("span", { class: "wt-soft", role: "status" });
    const left = h("div", { class: "wt-left" }, this.pager, this.grid);
    this.map = this.setup.map ? new PictureMap(this) : null;
    this.root.append(
      this.filters(),
      this.curve,
      this.only,
      ...(this.map ? [this.map.box] : []),
      h("div", { class: "wt-body" }, left, this.detail),
      this.layer,
    );
    this.size(TILE.usual);
    this.hear("asked", () => this.drawAsked());
    this.hear("page", () => this.drawPage());
    this.hear("marks", () => this.drawMarks());
    this.hear("opened", () => this.drawOpened());
    this.hear("near", () => this.drawNear());
    this.hear("said", () => this.drawSaid());
    this.hear("panel", () => this.drawPanel());
    this.hear("large", () => {
      const large = this.get("large");
      if (large.jpeg && large !== this.seenLarge) {
        this.seenLarge = large;
        if (this.started) this.enlarge(large.jpeg, this.get("opened").title || "", large.told);
      }
    });
    if (has.figures) this.figures();
    this.started = true;
  }

  // A click on a mark of one of the notebook's figures opens its pictures here.
  figures() {
    const notebook = this.root.closest(".jp-Notebook") || document,
      known = new WeakSet();
    const meet = event => {
      const plot = event.target.closest?.(".js-plotly-plot");
      if (!plot || known.has(plot) || !plot.on) return;
      known.add(plot);
      plot.on("plotly_click", ({ points: [point] }) => {
        const { opens, names } = plot.layout.meta || {};
        const same = plot.closest(".jp-Notebook") === this.root.closest(".jp-Notebook");
        if (!opens || !same || !this.root.isConnected) return;
        const places = [point.pointNumber ?? point.pointIndex].flat();
        this.send("figure", {
          opens,
          trace: point.data.name || "",
          names: places.map((place, i) => names[i][place]),
        });
        this.root.scrollIntoView({ behavior: "smooth" });
      });
    };
    notebook.addEventListener("pointerover", meet, true);
    this.undo.push(() => notebook.removeEventListener("pointerover", meet, true));
  }

  // What was on the screen when it was judged goes along: another picture may be on its way.
  judge(verdict) {
    const { id, asked } = this.get("opened");
    this.send("judge", { verdict, tile: id, asked });
  }
  // Where the keys are going ends with any other act: from there on the kernel says what is opened.
  send(act, more) {
    if (act !== "open" && act !== "mark") this.going = undefined;
    super.send(act, more);
  }
  // The framed tile, which may be ahead of the picture beside it.
  mark() {
    const place = this.going ?? this.at;
    if (place === undefined) return;
    const framed = (this.tiles || []).find(tile => tile.place === place);
    this.send("mark", { place, tile: framed && Number(framed.dataset.id) });
  }
  columns() {
    return getComputedStyle(this.grid).gridTemplateColumns.split(" ").length || 1;
  }
  size(px) {
    this.root.style.setProperty("--wt-tile", `${px}px`);
  }
  get at() {
    return this.get("opened").place;
  }
  step(by) {
    if (this.at !== undefined) this.show((this.going ?? this.at) + by);
  }
  turn(by) {
    this.send("page", { number: this.get("page").number + by });
  }
  show(place) {
    const last = this.get("page").total - 1;
    if (last < 0) return;
    const to = Math.min(Math.max(0, place), last);
    if (to === this.at && this.going === undefined) return;
    this.going = to; // several keys may be pressed before the kernel answers
    this.frame(to);
    this.send("open", { place: to });
  }

  filters() {
    const choose = (name, value) => this.send("choose", { [name]: value });
    const { lists, ranges = [], titles = {}, has, more } = this.setup;
    this.search = h("input", {
      type: "search",
      placeholder: has.words ? "title, label, ~what it shows" : "title, category, label",
      "aria-label": `Search in title, category and label${has.words ? "; after ~ by what pictures show" : ""}`,
      class: "wt-search",
      maxlength: "200",
      spellcheck: "false",
    });
    const ask = later(() => choose("search", this.search.value), PATIENCE);
    this.search.addEventListener("input", ask);
    this.search.addEventListener("focus", () => this.send("searching"));
    this.search.addEventListener("keydown", event => {
      if (event.key === "Enter") {
        event.stopPropagation();
        this.root.focus({ preventScroll: true });
      }
    });
    this.controls = {};
    const label = (name, control) => h("label", {}, h("span", {}, titles[name] || name), control);
    const made = Object.entries(lists).map(([name, options]) => {
      const select = dropDown(
        this,
        options.map(([, shown], i) => [String(i), shown]),
        { "data-name": name },
        i => choose(name, options[i][0]),
      );
      this.controls[name] = value => {
        select.value = String(options.findIndex(([one]) => one === value));
      };
      return label(name, select);
    });
    const ends = ranges.map(([name, low, high]) => {
      const input = h("input", {
        type: "number",
        min: String(low),
        max: String(high),
        step: "0.05",
        "data-name": name,
        "aria-label": titles[name],
      });
      input.addEventListener("change", () =>
        choose(name, Math.min(high, Math.max(low, Number(input.value)))),
      );
      this.controls[name] = value => {
        if (input !== this.root.getRootNode().activeElement)
          input.value = String(Math.round(value * 1000) / 1000);
      };
      return input;
    });
    if (ends.length)
      made.push(h("div", { class: "wt-ends" }, h("label", {}, h("span", {}, titles.ends), ...ends)));
    const rest = h("div", { class: "wt-more", hidden: true }, made.splice(more));
    this.rest = rest;
    const fold =
      rest.childElementCount > 0 &&
      this.button(
        "More filters",
        () => {
          rest.hidden = !rest.hidden;
          fold.setAttribute("aria-expanded", String(!rest.hidden));
        },
        { "aria-expanded": "false" },
      );
    const forms = [
      ["", "Copy …"],
      ["table", "as a table"],
      ["csv", "as CSV"],
      ["titles", "titles"],
      ["code", "one line of code"],
    ];
    const copy =
      has.copy &&
      dropDown(this, forms, { "aria-label": "Copy what is filtered", "data-name": "copy" }, what => {
        if (what) this.send("copy", { what });
        copy.value = "";
      });
    const tools = h(
      "div",
      { class: "wt-row wt-tools" },
      this.button("Reset filters", () => this.send("reset")),
      has.why && this.button("Hops", () => this.send("hops")),
      has.views && this.button("Views", () => this.send("views")),
      copy,
      this.button("?", () => this.help(), { "aria-label": "Help: all keys", title: "all keys" }),
    );
    return h(
      "div",
      { class: "wt-filters" },
      h("label", {}, h("span", {}, "search"), this.search),
      ...made,
      fold,
      rest,
      tools,
    );
  }

  drawAsked() {
    const { choice, curve } = this.get("asked");
    if (!choice) return;
    for (const [name, put] of Object.entries(this.controls)) if (name in choice) put(choice[name]);
    if (this.usual) {
      if (
        [...this.rest.querySelectorAll("[data-name]")].some(
          one => choice[one.dataset.name] !== this.usual[one.dataset.name],
        )
      )
        this.rest.hidden = false;
    } else this.usual = choice;
    if (this.search !== this.root.getRootNode().activeElement) this.search.value = choice.search || "";
    this.drawCurve(choice, curve);
  }

  // A label's threshold, moved to look at: precision and recall follow the slider, the pictures its rest.
  drawCurve(choice, curve) {
    this.curve.hidden = !curve;
    if (!curve) {
      this.curve.replaceChildren();
      return;
    }
    const own = curve.own,
      now = choice.threshold ?? own;
    if (this.curve.dataset.for === `${choice.label}` && this.curve.firstChild) {
      this.curveSays(curve, now);
      this.slider.value = String(now);
      this.curveData = curve;
      return;
    }
    this.curve.dataset.for = `${choice.label}`;
    this.curveData = curve;
    const path = values =>
      values
        .map((value, i) => `${i ? "L" : "M"}${(200 * i) / (values.length - 1)},${40 - 38 * value}`)
        .join("");
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 200 42");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("preserveAspectRatio", "none");
    for (const [name, values] of [
      ["precision", curve.precision],
      ["recall", curve.recall],
    ]) {
      const line = document.createElementNS(svg.namespaceURI, "path");
      line.setAttribute("d", path(values));
      line.setAttribute("class", `wt-${name}`);
      svg.append(line);
    }
    this.slider = h("input", {
      type: "range",
      min: "0",
      max: "1",
      step: "0.01",
      value: String(now),
      "aria-label": "Threshold of the label",
      "data-key": "threshold",
    });
    const rest = later(
      () =>
        this.send("choose", {
          threshold: Math.abs(this.slider.value - own) < 0.005 ? null : Number(this.slider.value),
        }),
      PATIENCE,
    );
    this.slider.addEventListener("input", () => {
      this.curveSays(this.curveData, Number(this.slider.value));
      rest();
    });
    this.curveText = h("span", { role: "status" });
    this.curve.replaceChildren(
      h("div", { class: "wt-lines" }, svg, this.slider),
      this.curveText,
      this.button("What it changes", () => this.send("choose", { errors: "what a moved threshold changes" })),
      this.button("Back to the run's", () => this.send("choose", { threshold: null })),
      h("span", { class: "wt-soft" }, "a look only: the run keeps its own"),
    );
    this.curveSays(curve, now);
  }
  curveSays(curve, now) {
    const at = Math.min(curve.cuts.length - 1, Math.round(now * (curve.cuts.length - 1)));
    this.curveText.textContent = `threshold ${now.toFixed(2)} (the run's ${curve.own.toFixed(2)}): precision ${curve.precision[at].toFixed(2)} ▬, recall ${curve.recall[at].toFixed(2)} ┅, said of ${count(curve.said[at])}`;
  }

  drawPage() {
    const page = this.get("page");
    if (!page.tiles) return;
    this.tiles = page.tiles.map((tile, i) => this.tile(tile, page.first + i));
    this.grid.replaceChildren(
      ...(this.tiles.length
        ? this.tiles
        : [
            h(
              "div",
              { class: "wt-none", role: "status" },
              "Nothing matches these filters. Widen one, or reset them.",
            ),
          ]),
    );
    if (this.shown !== page.number) this.grid.scrollTop = 0;
    this.shown = page.number;
    const some = page.total
      ? `${count(page.first + 1)}–${count(page.first + page.tiles.length)} of ${count(page.total)} ${page.unit}`
      : `no ${page.unit}`;
    const size = (this.sizer ||= h("input", {
      type: "range",
      min: String(TILE.least),
      max: String(TILE.most),
      value: String(TILE.usual),
      "aria-label": "Size of the tiles",
      title: "size of the tiles",
      class: "wt-size",
      on: { input: event => this.size(event.target.value) },
    }));
    this.pager.replaceChildren(
      this.button("◀", () => this.turn(-1), { "aria-label": "earlier page", disabled: page.number <= 1 }),
      h("span", {}, `page ${count(page.number)} of ${count(page.pages)}`),
      this.button("▶", () => this.turn(1), {
        "aria-label": "later page",
        disabled: page.number >= page.pages,
      }),
      h("span", { class: "wt-count", role: "status" }, some),
      this.progress,
      size,
    );
    this.only.hidden = !page.only;
    this.only.replaceChildren(
      page.only || "",
      this.button("Show all images", () => this.send("all")),
    );
    this.drawMarks();
    this.frame(this.going ?? this.at);
  }

  tile(tile, place) {
    const chips = tile.chips.slice(0, 4).map(([name, kind]) => chip(name, kind));
    if (tile.chips.length > 4) chips.push(h("span", { class: "wt-chip" }, `+${tile.chips.length - 4} more`));
    const said = tile.chips.map(([name, kind]) => `${WORD[kind] || ""} ${name}`).join(", ");
    const hear = event => {
      event.shiftKey
        ? this.send("mark", { place: this.at ?? place, to: place })
        : event.ctrlKey || event.metaKey
          ? this.send("mark", { place, tile: tile.id })
          : this.show(place);
    };
    const made = h(
      "button",
      {
        class: "wt-tile",
        role: "listitem",
        tabindex: "-1",
        title: tile.title,
        "aria-label": `${tile.title}. ${said}`,
        "data-key": `tile ${place}`,
        "data-id": tile.id,
        on: { click: hear },
      },
      h("span", { class: "wt-frame" }, picture(tile.jpeg, ""), h("span", { class: "wt-verdict" })),
      h("span", { class: "wt-chips" }, chips),
      h("span", { class: "wt-line wt-soft" }, tile.line),
    );
    made.place = place;
    return made;
  }

  frame(place) {
    for (const tile of this.tiles || []) {
      const on = tile.place === place;
      tile.classList.toggle("wt-open", on);
      on ? tile.setAttribute("aria-current", "true") : tile.removeAttribute("aria-current");
      tile.tabIndex = on ? 0 : -1;
      if (on) {
        this.bring(tile);
        requestAnimationFrame(() => this.bring(tile)); // one that was out of sight has its height only now
      }
    }
  }
  // Scrolls the grid, never the notebook.
  bring(tile) {
    const top = tile.offsetTop - this.grid.offsetTop,
      bottom = top + tile.offsetHeight;
    if (top < this.grid.scrollTop) this.grid.scrollTop = top - 6;
    else if (bottom > this.grid.scrollTop + this.grid.clientHeight)
      this.grid.scrollTop = bottom - this.grid.clientHeight + 6;
  }

  drawMarks() {
    const marks = this.get("marks"),
      page = this.get("page");
    const marked = new Set(marks.marked || []);
    for (const tile of this.tiles || []) {
      const id = tile.dataset.id,
        verdict = (marks.verdicts || {})[id],
        on = marked.has(Number(id));
      const sign = tile.querySelector(".wt-verdict");
      sign.textContent = verdict ? MARK[verdict] : "";
      sign.title = verdict || "";
      tile.classList.toggle("wt-marked", on);
      tile.setAttribute("aria-pressed", String(on));
    }
    const pace = marks.pace ? `, ${marks.pace} a minute` : "";
    const many = marked.size ? ` · ${count(marked.size)} marked: 1 2 3 judge them all` : "";
    this.progress.textContent =
      marks.done === undefined
        ? ""
        : `${count(marks.done)} of ${count(page.total || 0)} judged${pace}${many}`;
    if (this.reviewer && this.reviewer !== this.root.getRootNode().activeElement)
      this.reviewer.value = marks.reviewer || "";
    const back = this.root.querySelector("[data-key='undo']");
    if (back) back.disabled = !marks.steps && !this.get("opened").changed;
    if (this.map) this.map.draw();
  }

  nextQuestion() {
    const { questions, asked } = this.get("opened");
    if (!questions) return;
    const places = [-1, ...questions.map(one => one.label)];
    this.send("ask", { label: places[(places.indexOf(asked) + 1) % places.length] });
  }

  drawOpened() {
    const one = this.get("opened");
    if (one.place === this.going) this.going = undefined;
    if (one.title === undefined) {
      this.detail.replaceChildren();
      if (this.map) this.map.draw();
      return;
    }
    const top = this.drawn === one.id ? this.detail.scrollTop : 0;
    this.drawn = one.id;
    const zoom = h(
      "button",
      {
        class: "wt-picture",
        "aria-label": `Large picture of ${one.title}`,
        title: "large (z)",
        "data-key": "zoom",
        on: { click: () => this.send("large") },
      },
      picture(one.jpeg, one.title),
    );
    const page =
      one.address &&
      h(
        "a",
        { href: one.address, target: "_blank", rel: "noopener noreferrer", "data-key": "file page" },
        "file page on Commons",
      );
    const facts = [`${count(one.place + 1)} of ${count(one.of)}`, ...one.facts].join(" · ");
    const steps = h(
      "div",
      { class: "wt-row wt-steps" },
      this.button("◀ Previous", () => this.step(-1), { disabled: one.place <= 0 }),
      this.button("Next ▶", () => this.step(1), { disabled: one.place >= one.of - 1 }),
      this.button("Large", () => this.send("large")),
      this.setup.has.near && this.button("More like this", () => this.send("alike")),
      this.setup.verdicts.length > 0 &&
        this.button(this.marked(one.id) ? "Unmark" : "Mark", () => this.send("mark", { place: one.place, tile: one.id })),
    );
    const head = h(
      "div",
      { class: "wt-head" },
      zoom,
      h(
        "div",
        { class: "wt-words" },
        h("div", { class: "wt-title" }, one.title),
        h("div", { class: "wt-soft" }, facts, page ? [" · ", page] : []),
        this.questions(one),
        this.verdicts(one),
      ),
    );
    this.detail.replaceChildren(
      h("div", { class: "wt-stuck" }, steps, head, this.status),
      this.setup.verdicts.length ? this.labels(one) : "",
      this.scores(one),
      ...this.reasons(one),
      this.near,
    );
    this.detail.scrollTop = top;
    this.frame(one.place);
    if (this.map) this.map.draw();
  }
  marked(id) {
    return (this.get("marks").marked || []).includes(id);
  }

  questions(one) {
    return h(
      "div",
      { class: "wt-questions" },
      one.questions.map(question => {
        const on = one.asked < 0 || one.asked === question.label;
        const verdict = question.verdict
          ? h(
              "span",
              { class: "wt-was" },
              ` ${MARK[question.verdict]} ${question.verdict}${question.by ? ` by ${question.by}` : ""}`,
            )
          : null;
        const words = {
          "false positive": "model says",
          "false negative": "labels say",
          "true positive": "both say",
          "true negative": "neither says",
          given: "model gives",
          "not given": "no topic given; most probable:",
        }[question.kind];
        return h(
          "button",
          {
            class: `wt-question${on ? " wt-on" : ""}`,
            "aria-pressed": String(on),
            "data-key": `ask ${question.label}`,
            title: "ask about this label alone (c)",
            on: {
              click: () => this.send("ask", { label: one.asked === question.label ? -1 : question.label }),
            },
          },
          badge(question.kind),
          ` ${words} `,
          h("b", {}, question.name),
          verdict,
        );
      }),
    );
  }

  verdicts(one) {
    if (!this.setup.verdicts.length) return null;
    const asked = one.questions.filter(question => one.asked < 0 || one.asked === question.label);
    const chosen = new Set(asked.map(question => question.verdict));
    const buttons = this.setup.verdicts.map((verdict, i) =>
      h(
        "button",
        {
          class: `wt-say${chosen.has(verdict) ? " wt-chosen" : ""}`,
          "data-key": `verdict ${i + 1}`,
          "aria-pressed": String(chosen.has(verdict)),
          on: { click: () => this.judge(verdict) },
        },
        h("kbd", {}, String(i + 1)),
        ` ${verdict}`,
      ),
    );
    return h(
      "div",
      { class: "wt-row wt-verdicts", role: "group", "aria-label": "Are the labels right?" },
      ...buttons,
    );
  }

  labels(one) {
    this.reviewer ||= h("input", {
      type: "text",
      "aria-label": "Judged by",
      "data-key": "reviewer",
      maxlength: "100",
      class: "wt-reviewer",
      on: { change: () => this.send("reviewer", { name: this.reviewer.value }) },
    });
    if (document.activeElement !== this.reviewer) this.reviewer.value = this.get("marks").reviewer || "";
    const tools = h(
      "div",
      { class: "wt-row" },
      this.button("Save labels (s)", () => this.send("save", { tile: one.id }), { disabled: !one.changed, "data-key": "save" }),
      this.button("Forget (Esc)", () => this.send("discard"), { disabled: !one.changed }),
      this.button("Undo (u)", () => this.send("undo"), {
        "data-key": "undo",
        disabled: !this.get("marks").steps && !one.changed,
      }),
      this.button("Take back (t)", () => this.send("back", { tile: one.id })),
      h("label", { class: "wt-by" }, "by ", this.reviewer),
    );
    const state = one.changed
      ? h("span", { class: "wt-unsaved" }, " not saved yet: s saves, and so does the next picture")
      : one.corrected
        ? h("span", { class: "wt-soft" }, " corrected")
        : null;
    return h(
      "section",
      { class: "wt-correct" },
      h(
        "h4",
        {},
        "Correct labels ",
        h("span", {}, "(✓ given, dashed: the model says so, underlined: changed)"),
        state,
      ),
      h(
        "div",
        { class: "wt-toggles", role: "group", "aria-label": "Correct labels" },
        toggles(one.labels, this.setup.above, label => this.send("toggle", { label, tile: one.id })),
      ),
      tools,
    );
  }

  scores(one) {
    const rows = one.labels
      .map((label, i) => ({ ...label, i }))
      .sort((a, b) => b.score - a.score)
      .map(label => {
        const wrong = label.kind === "false positive" || label.kind === "false negative";
        const there =
          label.there === undefined || label.there < 0 ? "" : label.there ? " ✓ there" : " ✗ there";
        const asked = one.questions.some(question => question.label === label.i);
        return [
          h("span", { class: asked ? "wt-asked" : "" }, `${label.name}${label.given ? " ✓" : ""}`),
          h(
            "span",
            { class: "wt-track" },
            h("span", {
              class: `wt-bar wt-k-${label.kind.replace(" ", "-")}`,
              style: { width: `${Math.max(0.5, 100 * label.score)}%` },
            }),
            label.cut >= 0 && label.cut <= 1
              ? h("span", { class: "wt-cut", style: { left: `${100 * label.cut}%` } })
              : null,
          ),
          h("span", {}, `${label.score.toFixed(2)}${wrong ? ` ${SHORT[label.kind]}` : ""}${there}`),
        ];
      });
    return h(
      "section",
      {},
      h(
        "h4",
        {},
        "Scores ",
        h(
          "span",
          {},
          this.kind === "topics"
            ? "(✓ given)"
            : `(✓ in the labels; tick: threshold${this.setup.against ? `; there: right or wrong in ${this.setup.against}` : ""})`,
        ),
      ),
      h("div", { class: "wt-scores" }, rows.flat()),
    );
  }

  reasons(one) {
    const parts = [];
    if (one.why?.length)
      parts.push(
        h(
          "section",
          {},
          h(
            "h4",
            {},
            "Why these labels ",
            this.setup.has.why && h("span", {}, "(an arrow shows all files that got the label by this hop)"),
          ),
          one.why.map(way =>
            h(
              "div",
              { class: "wt-path" },
              h("b", {}, way.label),
              ` ${way.score.toFixed(2)}: `,
              way.path
                .map((step, i) =>
                  i === 0
                    ? step
                    : [
                        h(
                          "button",
                          {
                            class: "wt-hop",
                            title: `all files with ${way.label} by ${way.path[i - 1]} → ${step}`,
                            "aria-label": `all files that got ${way.label} by ${way.path[i - 1]} to ${step}`,
                            disabled: !this.setup.has.why,
                            on: {
                              click: () =>
                                this.send("hop", { child: way.path[i - 1], parent: step, label: way.label }),
                            },
                          },
                          "→",
                        ),
                        step,
                      ],
                )
                .flat(),
              way.rules ? h("span", { class: "wt-soft" }, ` (${way.rules})`) : null,
            ),
          ),
        ),
      );
    if (one.sources?.length)
      parts.push(
        h(
          "section",
          {},
          h("h4", {}, "Labels by source"),
          h(
            "table",
            { class: "wt-sources" },
            h(
              "tbody",
              {},
              one.sources.map(([name, labels]) =>
                h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, plainChips(labels))),
              ),
            ),
          ),
        ),
      );
    for (const [name, words] of [
      ["Categories", one.categories],
      ["Depicts", one.items],
      ["Groups", one.groups],
    ])
      if (words?.length) parts.push(h("section", {}, h("h4", {}, name), h("div", {}, plainChips(words))));
    return parts;
  }

  drawNear() {
    const near = this.get("near");
    const figures = (near.pictures || []).map((one, i) =>
      h(
        "button",
        {
          class: "wt-like",
          "data-key": `near ${i}`,
          disabled: one.image < 0,
          title: `${one.title} · ${one.about}`,
          "aria-label": `${one.title}, likeness ${one.like.toFixed(2)}, ${one.about}`,
          on: { click: () => this.send("look", { image: one.image }) },
        },
        picture(one.jpeg, ""),
        h("span", { class: "wt-line" }, `${one.like.toFixed(2)} ${one.title}`),
        h("span", { class: "wt-line wt-soft" }, one.about),
      ),
    );
    this.near.replaceChildren(
      ...(figures.length
        ? [
            h("h4", {}, "Nearest by features ", h("span", {}, "(cosine; a click opens)")),
            h("div", { class: "wt-likes" }, figures),
          ]
        : []),
    );
  }

  drawPanel() {
    const panel = this.get("panel");
    if (!this.started || !panel.kind) return;
    ({ hops: () => this.hops(panel), views: () => this.views(panel), copy: () => this.copied(panel) })[
      panel.kind
    ]();
  }
  hops(panel) {
    const rows = panel.rows.map((row, i) =>
      h(
        "tr",
        { class: row.struck ? "wt-struck" : "" },
        h("td", {}, `${row.child} → ${row.parent}`),
        ...[count(row.given), count(row.missed), `${Math.round(100 * row.share)} %`].map(text =>
          h("td", {}, text),
        ),
        h(
          "td",
          {},
          this.button(
            "Show",
            () => {
              this.close();
              this.send("hop", { child: row.child, parent: row.parent });
            },
            { "data-key": `show ${i}` },
          ),
          this.button(
            row.struck ? "Allow" : "Strike out",
            () => this.send("strike", { child: row.child, parent: row.parent, on: !row.struck }),
            { "data-key": `strike ${i}` },
          ),
        ),
      ),
    );
    this.open(
      "Hops of the category graph by the mistakes they bring",
      h(
        "p",
        { class: "wt-soft" },
        "Labels that were reached by a hop, and how many of them the model does not see. A hop struck out is kept beside the verdicts.",
      ),
      panel.rows.length
        ? h(
            "div",
            { class: "wt-scroll" },
            h(
              "table",
              { class: "wt-table" },
              h(
                "thead",
                {},
                h(
                  "tr",
                  {},
                  ["hop", "labels", "missed", "share", ""].map(name => h("th", { scope: "col" }, name)),
                ),
              ),
              h("tbody", {}, rows),
            ),
          )
        : h("p", {}, "No label of this run was reached by a hop."),
    );
  }
  views(panel) {
    const name = h("input", {
      type: "text",
      "aria-label": "Name of the view",
      placeholder: "a name",
      maxlength: "100",
    });
    const keep = () => name.value.trim() && this.send("keep", { name: name.value.trim() });
    name.addEventListener("keydown", event => {
      if (event.key === "Enter") {
        event.stopPropagation();
        keep();
      }
    });
    this.open(
      "Views",
      h("div", { class: "wt-row" }, name, this.button("Save what is shown", keep)),
      h(
        "div",
        { class: "wt-names" },
        panel.names.map(one =>
          this.button(one, () => {
            this.close();
            this.send("view", { name: one });
          }),
        ),
      ),
    );
  }
  copied(panel) {
    const text = h("textarea", {
      readonly: true,
      rows: "12",
      "aria-label": "text to copy",
      spellcheck: "false",
    });
    text.value = panel.text;
    const done = h("span", { role: "status", class: "wt-soft" });
    const copy = () => {
      text.select();
      const told = () => {
        done.textContent = "copied";
      };
      navigator.clipboard
        ? navigator.clipboard.writeText(panel.text).then(told, () => document.execCommand("copy") && told())
        : document.execCommand("copy") && told();
    };
    this.open("Copy", h("div", { class: "wt-row" }, this.button("Copy to the clipboard", copy), done), text);
    copy();
  }
}

const badge = kind =>
  h(
    "span",
    { class: `wt-badge wt-k-${kind.replace(" ", "-")}`, title: kind },
    SHORT[kind] || SIGN[kind] || "",
  );
const chip = (name, kind) =>
  h(
    "span",
    { class: `wt-chip wt-c-${kind.replace(" ", "-")}`, title: `${WORD[kind] || kind}: ${name}` },
    h("b", {}, SIGN[kind]),
    ` ${name}`,
  );
const plainChips = names =>
  names.length
    ? names.map(name => h("span", { class: "wt-chip" }, name))
    : [h("span", { class: "wt-soft" }, "none")];

// Labels as chips to press, each under the one above it.
function toggles(labels, above, act) {
  const depth = i => (above[i] < 0 ? 0 : 1 + depth(above[i]));
  return labels.map((label, i) => {
    const changed = label.now !== label.given;
    const states = [
      label.now && "given",
      label.kind && /positive|^given/.test(label.kind) && "the model says so",
      changed && "changed",
    ]
      .filter(Boolean)
      .join(", ");
    return h(
      "button",
      {
        class: `wt-toggle${label.now ? " wt-now" : ""}${label.kind && /positive|^given/.test(label.kind) ? " wt-says" : ""}${changed ? " wt-changed" : ""}`,
        style: { "margin-left": `${depth(i) * 10}px` },
        "aria-pressed": String(label.now),
        "aria-label": `${label.name}${states ? `: ${states}` : ""}`,
        "data-key": `label ${i}`,
        on: { click: () => act(i) },
      },
      `${label.now ? "✓ " : ""}${label.name}`,
    );
  });
}

// --- a map of pictures: hover, lasso, and a brush for the keyboard

const SHAPES = {
  circle: (c, x, y, r) => c.arc(x, y, r, 0, 7),
  "circle-open": (c, x, y, r) => c.arc(x, y, r, 0, 7),
  square: (c, x, y, r) => c.rect(x - r, y - r, 2 * r, 2 * r),
  "triangle-up": (c, x, y, r) =>
    polygon(c, [
      [x, y - 1.3 * r],
      [x + 1.2 * r, y + r],
      [x - 1.2 * r, y + r],
    ]),
  "triangle-down": (c, x, y, r) =>
    polygon(c, [
      [x, y + 1.3 * r],
      [x + 1.2 * r, y - r],
      [x - 1.2 * r, y - r],
    ]),
  diamond: (c, x, y, r) =>
    polygon(c, [
      [x, y - 1.4 * r],
      [x + 1.4 * r, y],
      [x, y + 1.4 * r],
      [x - 1.4 * r, y],
    ]),
  cross: (c, x, y, r) => {
    c.rect(x - 1.3 * r, y - r / 2.4, 2.6 * r, r / 1.2);
    c.rect(x - r / 2.4, y - 1.3 * r, r / 1.2, 2.6 * r);
  },
  x: (c, x, y, r) =>
    polygon(
      c,
      [
        [-1, -0.5],
        [-0.5, -1],
        [0, -0.5],
        [0.5, -1],
        [1, -0.5],
        [0.5, 0],
        [1, 0.5],
        [0.5, 1],
        [0, 0.5],
        [-0.5, 1],
        [-1, 0.5],
        [-0.5, 0],
      ].map(([a, b]) => [x + 1.25 * r * a, y + 1.25 * r * b]),
    ),
  star: (c, x, y, r) =>
    polygon(
      c,
      [...Array(10)].map((_, i) => {
        const a = (Math.PI * i) / 5 - Math.PI / 2,
          l = (i % 2 ? 0.6 : 1.5) * r;
        return [x + l * Math.cos(a), y + l * Math.sin(a)];
      }),
    ),
};
function polygon(c, corners) {
  corners.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
  c.closePath();
}

class PictureMap {
  constructor(view) {
    this.view = view;
    this.data = view.setup.map;
    this.canvas = h("canvas", {
      tabindex: "0",
      role: "application",
      "data-key": "map",
      "aria-label":
        "Map of the pictures. Arrow keys move a circle, plus and minus change its size, Space brushes what is in it, Enter opens the nearest, Escape shows all.",
    });
    this.side = h(
      "div",
      { class: "wt-side", role: "status" },
      h(
        "p",
        { class: "wt-soft" },
        "Point at a mark to see its picture. Draw round some to have only those below; a click opens one.",
      ),
    );
    this.legend = h("div", { class: "wt-legend" });
    this.by = dropDown(
      view,
      Object.keys(this.data.colourings).map(name => [name, name]),
      { "aria-label": "Colour by" },
      () => this.draw(),
    );
    const all = view.button("Show all images", () => view.send("all"), {
      class: "wt-all",
      "data-key": "map all",
    });
    this.all = all;
    this.box = h(
      "details",
      { class: "wt-map", open: true },
      h("summary", {}, "Map: near each other is alike to the network; nothing else has a meaning"),
      h("div", { class: "wt-row" }, h("label", {}, "Colour by ", this.by), all),
      h("div", { class: "wt-plot" }, this.canvas, h("div", { class: "wt-beside" }, this.legend, this.side)),
    );
    this.path = null;
    this.cursor = null;
    const on = (event, act) => this.canvas.addEventListener(event, act);
    on("pointerdown", event => {
      if (event.button) return;
      this.canvas.setPointerCapture(event.pointerId);
      this.path = [this.at(event)];
      this.cursor = null;
    });
    on("pointermove", event => {
      if (this.path) {
        this.path.push(this.at(event));
        this.draw();
      } else this.hover(this.nearest(this.at(event), 12));
    });
    on("pointerup", event => this.released(this.at(event)));
    on("pointercancel", () => {
      this.path = null;
      this.draw();
    });
    on("pointerleave", () => this.path || this.hover(-1));
    on("keydown", event => this.key(event));
    on("blur", () => {
      this.cursor = null;
      this.draw();
    });
    this.point = later(point => view.send("point", { point }), 40);
    const watch = new ResizeObserver(() => this.draw());
    watch.observe(this.canvas);
    view.undo.push(() => watch.disconnect());
    view.hear("brushed", () => this.brushed());
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
  // From places on the map to the canvas and back; each direction fills the room there is.
  scale() {
    const pad = 16;
    const [[left, right], [low, high]] = (this.ranges ||= [0, 1].map(axis => {
      const values = this.data.places.map(place => place[axis]);
      const least = Math.min(...values),
        most = Math.max(...values);
      return least < most ? [least, most] : [least - 1, most + 1];
    }));
    const wide = (this.width - 2 * pad) / (right - left),
      tall = (this.height - 2 * pad) / (high - low);
    return {
      x: v => pad + (v - left) * wide,
      y: v => pad + (high - v) * tall,
      back: ([x, y]) => [left + (x - pad) / wide, high - (y - pad) / tall],
    };
  }
  nearest([x, y], within) {
    const to = this.scale();
    let best = -1,
      least = within * within;
    this.data.places.forEach(([a, b], i) => {
      const d = (to.x(a) - x) ** 2 + (to.y(b) - y) ** 2;
      if (d <= least) {
        least = d;
        best = i;
      }
    });
    return best;
  }
  hover(point) {
    if (point === this.pointed) return;
    this.pointed = point;
    this.canvas.style.cursor = point < 0 ? "crosshair" : "pointer";
    if (point >= 0) this.point(point);
    this.draw();
  }
  released(place) {
    if (!this.path) return;
    const path = this.path,
      to = this.scale();
    this.path = null;
    const far = Math.max(...path.map(([x, y]) => Math.hypot(x - path[0][0], y - path[0][1])));
    if (far > 6) this.view.send("brush", { outline: path.map(to.back) });
    else {
      const point = this.nearest(place, 12);
      if (point >= 0) this.view.send("look", { image: this.data.images[point] });
    }
    this.draw();
  }
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const known = move || ["+", "=", "-", " ", "Enter", "Escape"].includes(event.key);
    if (!known) return;
    event.preventDefault();
    event.stopPropagation();
    const cursor = (this.cursor ||= { x: this.width / 2, y: this.height / 2, r: 40 });
    const step = event.shiftKey ? 40 : 12;
    if (move) {
      cursor.x = Math.min(this.width, Math.max(0, cursor.x + step * move[0]));
      cursor.y = Math.min(this.height, Math.max(0, cursor.y + step * move[1]));
      this.hover(this.nearest([cursor.x, cursor.y], cursor.r));
    } else if (event.key === "-") cursor.r = Math.max(8, cursor.r / 1.25);
    else if (event.key === "+" || event.key === "=") cursor.r = Math.min(300, cursor.r * 1.25);
    else if (event.key === " ") {
      const to = this.scale();
      this.view.send("brush", {
        outline: [...Array(24)].map((_, i) =>
          to.back([
            cursor.x + cursor.r * Math.cos((Math.PI * i) / 12),
            cursor.y + cursor.r * Math.sin((Math.PI * i) / 12),
          ]),
        ),
        add: event.shiftKey,
      });
    } else if (event.key === "Enter") {
      const point = this.nearest([cursor.x, cursor.y], cursor.r);
      if (point >= 0) this.view.send("look", { image: this.data.images[point] });
    } else {
      this.cursor = null;
      this.view.send("all");
      this.view.root.focus({ preventScroll: true });
    }
    this.draw();
  }
  brushed() {
    const { chosen = [], pointed } = this.view.get("brushed");
    this.chosen = new Set(chosen);
    this.all.disabled = !chosen.length;
    if (pointed) {
      const kinds = Object.entries(this.data.colourings).map(([name, one]) =>
        h("p", {}, `${name}: ${one.names[one.of[pointed.point]]}`),
      );
      this.side.replaceChildren(
        picture(pointed.jpeg, pointed.title),
        h("div", { class: "wt-title" }, pointed.title),
        ...kinds,
      );
    }
    this.draw();
  }

  draw() {
    const box = this.canvas.getBoundingClientRect(),
      ratio = window.devicePixelRatio || 1;
    if (!box.width || !box.height) return;
    this.width = box.width;
    this.height = box.height;
    const [w, hh] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (this.canvas.width !== w || this.canvas.height !== hh) {
      this.canvas.width = w;
      this.canvas.height = hh;
    }
    const c = this.canvas.getContext("2d"),
      ink = getComputedStyle(this.view.root).color;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, box.width, box.height);
    const colouring = this.data.colourings[this.by.value],
      to = this.scale(),
      some = this.chosen?.size > 0;
    const order = [...colouring.of.keys()].sort(
      (a, b) => colouring.soft[colouring.of[b]] - colouring.soft[colouring.of[a]],
    );
    for (const i of order) {
      const kind = colouring.of[i],
        [shape, light] = colouring.marks[kind],
        [x, y] = [to.x(this.data.places[i][0]), to.y(this.data.places[i][1])];
      c.globalAlpha = some && !this.chosen.has(i) ? 0.22 : colouring.soft[kind] ? 0.65 : 0.95;
      mark(c, shape, this.view.colour(light), x, y, 4.2);
    }
    c.globalAlpha = 1;
    const marks = this.view.get("marks"),
      lit = new Set([this.view.get("opened").image, ...(marks.images || [])]);
    c.strokeStyle = ink;
    this.data.images.forEach((image, i) => {
      if (lit.has(image) || i === this.pointed) {
        c.lineWidth = 2;
        c.beginPath();
        c.arc(to.x(this.data.places[i][0]), to.y(this.data.places[i][1]), 9, 0, 7);
        c.stroke();
      }
    });
    c.lineWidth = 1.5;
    c.setLineDash([5, 4]);
    if (this.path) {
      c.beginPath();
      polygon(c, this.path);
      c.stroke();
    }
    if (this.cursor) {
      c.beginPath();
      c.arc(this.cursor.x, this.cursor.y, this.cursor.r, 0, 7);
      c.stroke();
    }
    c.setLineDash([]);
    this.drawLegend(colouring);
  }
  drawLegend(colouring) {
    const key = `${this.by.value} ${this.view.dark}`;
    if (this.legendOf === key) return;
    this.legendOf = key;
    this.legend.replaceChildren(
      ...colouring.names.map((name, i) => {
        const sign = h("canvas", { width: "28", height: "28", "aria-hidden": "true" });
        const c = sign.getContext("2d");
        c.scale(2, 2);
        mark(c, colouring.marks[i][0], this.view.colour(colouring.marks[i][1]), 7, 7, 4.2);
        const total = colouring.of.filter(kind => kind === i).length;
        return h(
          "button",
          {
            class: "wt-kind",
            "data-key": `kind ${i}`,
            title: "only these",
            on: { click: () => this.view.send("brush", { kind: name, by: this.by.value }) },
          },
          sign,
          `${name} (${count(total)})`,
        );
      }),
    );
  }
}
function mark(c, shape, colour, x, y, r) {
  c.beginPath();
  (SHAPES[shape] || SHAPES.circle)(c, x, y, r);
  c.fillStyle = c.strokeStyle = colour;
  c.lineWidth = 1.4;
  shape.endsWith("open") ? c.stroke() : c.fill();
}

// --- one picture beside the tree of labels: where people judge files

class Annotator extends View {
  constructor(model, el) {
    super(model, el);
    const move = by => () => this.send("move", { step: by });
    const judge = act => () => this.send(act, { seen: this.get("opened").id });
    this.keys = {
      1: judge("save"),
      2: judge("none"),
      3: move(1),
      ArrowLeft: move(-1),
      ArrowRight: move(1),
      u: () => this.send("forget"),
      Escape: () => this.send("forget"),
      l: () => this.root.querySelector(".wt-toggle")?.focus(),
      z: () => {
        const one = this.get("opened");
        if (one.jpeg) this.enlarge(one.jpeg, one.title, "");
      },
    };
    this.shown = h("div", { class: "wt-words" });
    this.tree = h("div", { class: "wt-toggles wt-tree", role: "group", "aria-label": "Labels" });
    const buttons = [
      ["◀ Back", move(-1)],
      ["Save (1)", judge("save")],
      ["None of these (2)", judge("none")],
      ["Skip (3)", move(1)],
      ["Next ▶", move(1)],
      ["?", () => this.help()],
    ].map(([name, act]) => this.button(name, act, name === "?" ? { "aria-label": "Help: all keys" } : {}));
    this.root.append(
      h("div", { class: "wt-body" }, this.shown, this.tree),
      h("div", { class: "wt-row" }, ...buttons),
      this.status,
      this.layer,
    );
    this.hear("opened", () => this.draw());
    this.hear("said", () => this.drawSaid());
  }
  draw() {
    const one = this.get("opened");
    if (one.title === undefined) return;
    const page =
      one.address &&
      h(
        "a",
        { href: one.address, target: "_blank", rel: "noopener noreferrer", "data-key": "file page" },
        "file page on Commons",
      );
    const large = one.jpeg
      ? h(
          "button",
          {
            class: "wt-picture",
            "data-key": "zoom",
            "aria-label": `Large picture of ${one.title}`,
            on: { click: () => this.keys.z() },
          },
          picture(one.jpeg, one.title),
        )
      : h("div", { class: "wt-soft" }, "no picture can be shown");
    const title = h("div", { class: "wt-title" }, one.title);
    const where = h("div", { class: "wt-soft", role: "status" }, one.where);
    this.shown.replaceChildren(...[large, title, where, page].filter(Boolean));
    const top = this.tree.scrollTop;
    this.tree.replaceChildren(
      ...toggles(one.labels, this.setup.above, label => this.send("toggle", { label, seen: one.id })),
    );
    this.tree.scrollTop = top;
  }
}

export default {
  render({ model, el }) {
    const view = new (model.get("setup").kind === "annotator" ? Annotator : Browser)(model, el);
    return () => view.undo.forEach(act => act());
  },
};
