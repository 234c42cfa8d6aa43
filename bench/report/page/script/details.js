// Everything about one cell: its accuracies, curves, records and noise.

function openDetails(cell) {
  const dialog = find("#details");
  state.open = pathOf(cell);
  keepState();
  dialog.replaceChildren(...detailsOf(cell));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function closedDetails() {
  state.open = null;
  keepState();
}

function detailsOf(cell) {
  const chart = chartOf(cell);
  const heading = (text) => element("h3", {}, text);
  const top = element(
    "div",
    { class: "top" },
    element(
      "div",
      {},
      element("h2", { id: "details-title" }, `${cell.method} · ${cell.victim}`),
      element("p", { class: "about" }, placeOf(cell)),
    ),
    button("Close", () => find("#details").close(), { class: "close" }),
  );
  return [
    top,
    element("div", { class: "big" }, cell.mean === null ? cell.text : `${cell.text} %`),
    ...factsOf(cell),
    ...(chart ? [heading("Accuracy during training, one line per seed"), chart] : []),
    ...publishedOf(cell, heading),
    heading("Records"),
    recordsOf(cell),
    heading("How to reproduce"),
    ...againOf(cell),
    pictureOf(cell, heading), // last, since it is long
  ];
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
    ["noise generated in", cell.made && cell.made.seconds[1] !== null ? `${cell.made.seconds[0]} s on ${cell.made.devices}` : null],
    ["image-passes of the noise", cell.made && cell.made.passes[1] !== null ? cell.made.passes[0] : null],
  ].filter(([, value]) => value != null);
  return [element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]))];
}

function publishedOf(cell, heading) {
  if (!cell.published.length) return [];
  const lines = cell.published.map(([source, grade, accuracy, note]) => {
    const words = [`${accuracy.toFixed(2)} (${grade})`, DATA.sources[source] ?? source, note];
    return element("li", {}, words.filter(Boolean).join("; "));
  });
  return [heading("Reported by others"), element("ul", {}, ...lines)];
}

// A picture of the method's own noise if there is one next to the page, else of all methods, else nothing.
function pictureOf(cell, heading) {
  const folder = `plots/${cell.group.name}`;
  const pictures = [[`${folder}/noise/${cell.method}.png`, cell.method], [`${folder}/contact_sheet.png`, "all methods"]];
  const place = element("div");
  const tryNext = () => {
    if (!pictures.length) return;
    const [file, whose] = pictures.shift();
    const about = `Noise of ${whose} on ${cell.group.title}, amplified sixteen times, and the protected images`;
    const shown = () => place.append(heading(`Noise of ${whose}`), picture);
    const picture = element("img", { class: "picture", src: linkTo(file), alt: about, onload: shown, onerror: tryNext });
  };
  tryNext();
  return place;
}

// A path below the page as a link, whatever characters are in it.
function linkTo(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}

function recordsOf(cell) {
  const columns = ["seed", "record", "accuracy", "status", "trust", "device", "commit", "torch", "by", "finished"];
  const rows = runsOf(cell).map((run) => {
    const link = run.file ? element("a", { href: linkTo(run.file) }, run.key) : run.key;
    const after = [run.trust, run.device, run.commit || "unknown", run.torch, run.by].map((value) => element("td", {}, value));
    return element(
      "tr",
      {},
      element("td", {}, String(run.seed)),
      element("td", {}, link),
      element("td", { class: "numeric" }, run.accuracy?.toFixed(2) ?? "–"),
      element("td", { class: run.error ? "status long" : "status" }, run.error ? `${run.status}: ${run.error}` : run.status),
      ...after,
      element("td", { title: run.finished }, run.finished.slice(0, 10)),
    );
  });
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col", class: name === "accuracy" ? "numeric" : null }, name)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  return element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Records" }, table);
}
