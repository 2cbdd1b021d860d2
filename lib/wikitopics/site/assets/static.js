// What stands in for a kernel on a page of the site: the same messages, answered from the pictures in the page.

const SIZE = 60; // tiles on one page
const WRONG = ["false positive", "false negative"];
const BADNESS = {
  "loss, worst first": label => (label.given ? label.score : 1 - label.score),
  "confidence, high first": label => -label.score,
  "confidence, low first": label => label.score,
  "close to the threshold": label => Math.abs(label.score - label.cut),
};

class Kernel {
  constructor({ setup, pictures }) {
    this.values = { setup };
    this.heard = new Map();
    this.pictures = pictures;
    this.choice = this.start();
    this.find();
  }
  start() {
    return { label: null, errors: "both kinds of mistake", order: Object.keys(BADNESS)[0], search: "" };
  }

  get(name) {
    return this.values[name];
  }
  on(event, act) {
    this.heard.set(event, [...(this.heard.get(event) || []), act]);
  }
  off(event, act) {
    this.heard.set(
      event,
      (this.heard.get(event) || []).filter(one => one !== act),
    );
  }
  put(name, value) {
    this.values[name] = value;
    for (const act of this.heard.get(`change:${name}`) || []) act();
  }
  send({ act, ...given }) {
    if (this[`do_${act}`]) this[`do_${act}`](given);
  }

  do_choose(given) {
    Object.assign(this.choice, given);
    this.find();
  }
  do_reset() {
    this.choice = this.start();
    this.find();
  }
  do_page({ number }) {
    this.turn(number);
  }
  do_open({ place }) {
    this.open(place);
  }
  do_step({ by }) {
    this.open(this.at + by);
  }
  do_large() {
    const one = this.found[this.at];
    if (one) this.put("large", { jpeg: one.picture.tile.jpeg, told: "as stored" });
  }
  do_ask({ label }) {
    this.put("opened", { ...this.values.opened, asked: label });
  }

  // The pictures that match, each with those of its labels that do, by the worst of these.
  find() {
    const words = this.choice.search.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted =
      { "false positives": [WRONG[0]], "false negatives": [WRONG[1]] }[this.choice.errors] || WRONG;
    const badness = BADNESS[this.choice.order];
    this.found = this.pictures
      .map(picture => {
        const { title, categories, labels } = picture.opened;
        const text = [title, ...categories].join("\n").toLowerCase();
        const asked = labels
          .map((label, place) => ({ ...label, place }))
          .filter(
            label =>
              wanted.includes(label.kind) &&
              (this.choice.label === null || this.choice.label === label.place) &&
              words.every(word => text.includes(word) || label.name.toLowerCase().includes(word)),
          );
        return { picture, asked: asked.sort((a, b) => badness(a) - badness(b)) };
      })
      .filter(one => one.asked.length)
      .sort((a, b) => badness(a.asked[0]) - badness(b.asked[0]));
    this.put("asked", { choice: { ...this.choice }, curve: null });
    this.turn(1);
    this.open(0);
  }
  turn(number) {
    const pages = Math.max(1, Math.ceil(this.found.length / SIZE));
    this.number = Math.min(Math.max(1, number), pages);
    const first = (this.number - 1) * SIZE;
    const tiles = this.found
      .slice(first, first + SIZE)
      .map(({ picture, asked }) => ({
        ...picture.tile,
        line: `${asked[0].score.toFixed(2)} ${asked[0].name}`,
      }));
    this.put("page", {
      number: this.number,
      pages,
      first,
      total: this.found.length,
      unit: "pictures",
      only: "",
      tiles,
    });
  }
  open(place) {
    if (!this.found.length) {
      this.at = undefined;
      this.put("opened", {});
      return;
    }
    this.at = Math.min(Math.max(0, place), this.found.length - 1);
    const page = Math.floor(this.at / SIZE) + 1;
    if (page !== this.number) this.turn(page);
    const { picture, asked } = this.found[this.at];
    const questions = asked.map(label => ({
      label: label.place,
      name: label.name,
      kind: label.kind,
      verdict: "",
      by: "",
    }));
    this.put("opened", {
      ...picture.opened,
      jpeg: picture.tile.jpeg,
      place: this.at,
      of: this.found.length,
      questions,
      asked: -1,
    });
  }
}

const kernel = new Kernel(JSON.parse(document.getElementById("pictures").textContent));
page.render({ model: kernel, el: document.getElementById("browser") });
