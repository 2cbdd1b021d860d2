/* Figures live in the colours of the page, code to fold, everything unfolded on paper. No request to anywhere. */
"use strict";
(() => {
  const COLOURS = {} /* colours */; // of the house, on a dark page
  const PALE = "#f7fbff"; // nothing, in a heat map
  const CONFIG = { responsive: true, displaylogo: false, showSendToCloud: false, displayModeBar: false };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)");
  const all = (css, within = document) => [...within.querySelectorAll(css)];

  /* -- figures ------------------------------------------------------------------------------------ */

  /* Colour scales stay: the text beside a heat map says that dark is much, and so it is on a dark page too. */
  function recoloured(value) {
    if (typeof value === "string") return COLOURS[value.toLowerCase()] || value;
    if (Array.isArray(value)) return value.map(recoloured);
    if (value === null || typeof value !== "object") return value;
    const parts = Object.entries(value).map(([name, part]) => [name, name === "colorscale" ? part : recoloured(part)]);
    return Object.fromEntries(parts);
  }

  /* The page must not shine through: leaves of a tree would be too dark to read, empty cells look like much. */
  function onDarkPage(data, layout) {
    for (const trace of data) {
      if (["sunburst", "treemap"].includes(trace.type)) trace.leaf = { ...trace.leaf, opacity: 1 };
      if (trace.type === "heatmap") layout.plot_bgcolor = PALE;
    }
  }

  async function draw(plot) {
    const stored = JSON.parse(plot.querySelector("script.data").textContent);
    const { data, layout } = dark.matches ? recoloured(stored) : stored;
    data.filter((trace) => trace.type === "scattergl").forEach((trace) => { trace.type = "scatter"; }); // no eval
    if (dark.matches) onDarkPage(data, layout);
    const live = plot.querySelector(".live");
    live.hidden = false;
    plot.classList.add("is-live");
    const font = { ...layout.template?.layout?.font, ...layout.font, family: getComputedStyle(plot).fontFamily };
    Object.assign(layout, { autosize: true, font });
    delete layout.width;
    if (touch.matches) layout.dragmode = false; // a finger that scrolls is no zoom
    if (live.clientWidth < 560) stack(data, layout);
    try {
      await Plotly.react(live, data, layout, CONFIG);
    } catch (error) { // the picture says it all the same
      live.hidden = true;
      plot.classList.remove("is-live");
      console.error(error);
    }
  }

  /* On a narrow page legends and colour bars stand below their panel instead of beside it. */
  function stack(data, layout) {
    const named = data.filter((trace) => trace.name && trace.showlegend !== false).length;
    const below = { orientation: "h", x: 0, xanchor: "left", yref: "container", y: 0, yanchor: "bottom" };
    layout.legend = { ...layout.legend, ...below };
    data.filter((trace) => trace.type === "heatmap").forEach((trace) => {
      trace.colorbar = { ...trace.colorbar, ...below, len: 1, title: { ...trace.colorbar?.title, side: "top" } };
    });
    for (const [name, axis] of Object.entries(layout)) {
      if (/^xaxis/.test(name) && axis.title?.text) axis.title.text = wrapped(axis.title.text);
    }
    const rows = named > 1 && layout.showlegend !== false ? 14 * named + 20 : 0;
    const bar = data.some((trace) => trace.type === "heatmap") ? 120 : 0; // what it takes from the panel's height
    const tree = data.some((trace) => ["sunburst", "treemap"].includes(trace.type));
    layout.height = (tree ? Math.min(layout.height, 420) : layout.height || 450) + rows + bar;
  }

  function wrapped(text, width = 24) {
    const lines = [""];
    for (const word of text.split(" ")) {
      if (lines.at(-1) && lines.at(-1).length + word.length > width) lines.push("");
      lines.push(`${lines.pop()} ${word}`.trim());
    }
    return lines.join("<br>");
  }

  function drawInSight() {
    const seen = new IntersectionObserver(
      (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
        seen.unobserve(entry.target);
        draw(entry.target);
      }),
      { rootMargin: "800px 0px" }
    );
    all("figure.plot").filter((plot) => plot.querySelector("script.data")).forEach((plot) => seen.observe(plot));
    dark.addEventListener("change", () => all("figure.is-live").forEach(draw));
  }

  /* -- code --------------------------------------------------------------------------------------- */

  function folding() {
    const button = document.querySelector("button.fold");
    const code = all("details.code:not(.parameters)");
    if (!button || !code.length) return;
    let folded = false;
    button.hidden = false;
    button.addEventListener("click", () => {
      folded = !folded;
      code.forEach((one) => { one.open = !folded; });
      button.textContent = folded ? "Show code" : "Fold code";
    });
  }

  /* -- reading ------------------------------------------------------------------------------------ */

  function narrowSide() {
    const narrow = matchMedia("(max-width: 70rem)");
    const fit = () => all(".side details").forEach((one) => { one.open = !narrow.matches; });
    narrow.addEventListener("change", fit);
    fit();
  }

  function whereWeAre() {
    const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
    const heads = all("main h2, main h3").filter((head) => links.has(head.id));
    const mark = () => {
      const passed = heads.filter((head) => head.getBoundingClientRect().top < innerHeight / 3).pop();
      links.forEach((link) => link.removeAttribute("aria-current"));
      if (passed) links.get(passed.id).setAttribute("aria-current", "location");
    };
    addEventListener("scroll", mark, { passive: true });
    mark();
  }

  /* What scrolls sideways must be reachable by the keyboard, and only that. */
  function scrollable() {
    const reach = () => all(".table, pre").forEach((box) => {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    });
    addEventListener("resize", reach);
    document.addEventListener("toggle", reach, true);
    reach();
  }

  function paper() {
    let closed = [];
    addEventListener("beforeprint", () => {
      closed = all("main details.code:not([open])");
      closed.forEach((one) => { one.open = true; });
    });
    addEventListener("afterprint", () => closed.forEach((one) => { one.open = false; }));
  }

  if (window.Plotly) drawInSight();
  folding();
  narrowSide();
  whereWeAre();
  scrollable();
  paper();
})();
