// Everything about one cell: its accuracies, curves, records and noise.

// Show a cell or an entry card, whichever a link names.
function openDetails(thing) {
  const dialog = find("#details");
  state.open = thing.path;
  keepState("open");
  dialog.replaceChildren(...thing.details());
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

// Closing is going back to where it was opened.
function closedDetails() {
  if (!state.open) return;
  state.open = null;
  if (history.state?.opened) history.back();
  else keepState("start");
}

// A click on what is behind the dialog closes it; one inside does not, nor does the end of a selection made there.
function closeOutside(dialog) {
  const isOutside = ({ clientX, clientY }) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    return clientX < left || clientX > right || clientY < top || clientY > bottom;
  };
  let began = false;
  dialog.addEventListener("pointerdown", (event) => { began = isOutside(event); });
  dialog.addEventListener("click", (event) => event.target === dialog && began && isOutside(event) && dialog.close());
}

function detailsOf(cell) {
  const chart = chartOf(cell);
  return [
    topOf(`${cell.method} · ${cell.victim}`, placeOf(cell)),
    element("div", { class: "big" }, withPercent(cell.text)),
    ...factsOf(cell),
    ...(chart ? [heading("Accuracy during training, one line per seed"), chart] : []),
    ...publishedOf(cell),
    heading("Records"),
    recordsOf(cell),
    heading("How to reproduce"),
    ...againOf(cell),
    ...picturesOf(cell.group, cell.method), // last, since they are long
  ];
}

// An accuracy as it prints in a table, with its unit.
function withPercent(text) {
  return text.replace(/^[\d.]+( ± [\d.]+)?/, "$&%");
}

function heading(text) {
  return element("h3", {}, text);
}

function topOf(title, about) {
  return element(
    "div",
    { class: "top" },
    element("div", {}, element("h2", { id: "details-title" }, title), element("p", { class: "about" }, about)),
    button("Close", () => find("#details").close(), { class: "close" }),
  );
}

function placeOf(cell) {
  return [cell.group.title, ...toldOf(cell, "long")].join(" · ");
}

function factsOf(cell) {
  const facts = [
    ["95% interval of the mean", cell.low === null ? null : `${cell.low.toFixed(2)} to ${cell.high.toFixed(2)}, n = ${cell.n}`],
    ["lowest and worst seed", cell.n < 2 ? null : `${cell.lowest.toFixed(2)} and ${cell.worst.toFixed(2)}, n = ${cell.n}`],
    ["95% prediction interval of one more seed", cell.next_low === null ? null : `${cell.next_low.toFixed(2)} to ${cell.next_high.toFixed(2)}`],
    ...DATA.metrics.map(({ id, fact, digits }) => [fact, cell[id]?.toFixed(digits)]),
    ["noise generated in", isNumber(cell.made?.seconds) ? `${cell.made.seconds} s on ${cell.made.devices}` : null],
    ["image-passes of the noise", isNumber(cell.made?.passes) ? cell.made.passes : null],
  ].filter(([, value]) => value != null);
  return [factsList(facts)];
}

function publishedOf(cell) {
  if (!cell.published.length) return [];
  const lines = cell.published.map(([source, grade, accuracy, note]) => {
    const words = [`${accuracy.toFixed(2)} (${grade})`, ownOf(DATA.sources, source) ?? source, note];
    return element("li", {}, words.filter(Boolean).join("; "));
  });
  return [heading("Reported by others"), element("ul", {}, ...lines)];
}

// A picture of the method's own noise if one lies beside the page, else of all methods, else nothing.
function picturesOf(group, method) {
  const there = ownOf(DATA.beside.pictures, group.name) ?? [];
  const own = there.find((file) => file.endsWith(`/noise/${method}.png`));
  const file = own ?? there.find((each) => each.endsWith("/contact_sheet.png"));
  if (!file) return [];
  const whose = own ? method : "all methods";
  const about = `Noise of ${whose} on ${group.title}, amplified sixteen times, and the protected images`;
  return [heading(`Noise of ${whose}`), element("img", { class: "picture", src: linkTo(file), alt: about })];
}

// A path below the page as a link, whatever characters are in it.
function linkTo(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}

function recordsOf(cell) {
  const columns = ["seed", "record", "accuracy", "status", "trust", "device", "commit", "torch", "by", "finished"];
  const rows = runsOf(cell).map((run) => {
    const link = run.link ? element("a", { href: linkTo(run.link) }, run.key) : run.key;
    const after = [run.trust, run.device, run.commit || "unknown", run.torch, run.by].map((value) => element("td", {}, value));
    return element(
      "tr",
      {},
      element("td", {}, String(run.seed)),
      element("td", {}, link),
      element("td", { class: "numeric" }, run.accuracy?.toFixed(2) ?? "–"),
      element("td", { class: run.error ? "status long" : "status" }, run.error ? `${run.status}: ${run.error}` : run.status),
      ...after,
      element("td", {}, run.finished),
    );
  });
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col", class: name === "accuracy" ? "numeric" : null }, name)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  return element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Records" }, table);
}
