/* Figures live in the colours of the page, code to fold, everything unfolded on paper. No request to anywhere. */
"use strict";
(() => {
  const COLOURS = {} /* colours */; // of the house, on a dark page
  const CONFIG = { responsive: true, displaylogo: false, showSendToCloud: false, displayModeBar: false };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)");
  const all = (css, within = document) => [...within.querySelectorAll(css)];

  /* -- figures ------------------------------------------------------------------------------------ */

  function recoloured(value) {
    if (typeof value === "string") return COLOURS[value.toLowerCase()] || value;
    if (Array.isArray(value)) return value.map(recoloured);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, recoloured(part)]));
  }

  async function draw(plot) {
    const stored = JSON.parse(plot.querySelector("script.data").textContent);
    const { data, layout } = dark.matches ? recoloured(stored) : stored;
    const live = plot.querySelector(".live");
    live.hidden = false;
    plot.classList.add("is-live");
    layout.autosize = true;
    delete layout.width;
    if (touch.matches) layout.dragmode = false; // a finger that scrolls is no zoom
    await Plotly.react(live, data, layout, CONFIG);
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
