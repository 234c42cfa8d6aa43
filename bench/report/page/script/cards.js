// An entry card: what a method, a countermeasure or a training is, where it is from, and how to use it.

function cardDetails(card) {
  const cells = CELLS.filter((cell) => cell[card.kind] === card.name);
  return [
    topOf(card.name, `${card.kind}: ${card.title}`),
    ...paperOf(card),
    factsList(card.facts),
    ...card.about.map((text) => element("p", { class: "text" }, text)),
    ...standingsOf(card),
    heading("Use it"),
    ...commandsOf(card).map((command) => element("pre", {}, command)),
    ...cellsOf(card, cells),
    ...[...new Set(cells.map((cell) => cell.group))].flatMap((group) => (card.kind === "method" && cells.length ? picturesOf(group, card.name) : [])),
  ];
}

function factsList(facts) {
  return element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function commandsOf({ kind, name, protects, victim }) {
  if (kind !== "method") return [`python -m bench run --grid smoke --set ${kind}s=${name}${victim ? ` --set victims=${victim}` : ""}`];
  const make = `python -m bench noise make --dataset cifar10 --protocol lite-v1 --method ${name} ${name}.safetensors`;
  return protects ? [make, `python -m bench protect path/to/images path/to/protected --method ${name}`] : [make];
}

function paperOf(card) {
  const paper = PAPERS.get(card.paper);
  if (!paper) return [];
  const copy = button("Copy BibTeX", async () => {
    copy.textContent = await copyText(bibtexOf(paper), "Copied");
  }, { "aria-live": "polite" });
  const outside = (text, address) => element("a", { href: address, rel: "noopener" }, text);
  return [
    element("p", { class: "text" }, element("strong", {}, paper.title), element("br"), `${paper.authors.replaceAll(" and ", ", ")}. ${paper.venue}.`),
    element("p", { class: "actions" }, outside(`${paper.scheme}:${paper.identifier}`, paper.link), paper.code ? outside("Authors' code", paper.code) : null, copy),
  ];
}

function bibtexOf(paper) {
  return paper.bibtex.replace(/\{\$(\w+)/g, (_, name) => `{${paper[name]}`);
}

// Where a method stands in each group of results, and what was measured of its noise there.
function standingsOf({ kind, name }) {
  if (kind !== "method") return [];
  return DATA.groups.filter((group) => group.methods.has(name)).flatMap((group) => {
    const method = group.methods.get(name);
    const facts = [
      ["accuracy at the strongest trainer", isNumber(method.strongest) && `${withPercent(method.strongest)}, ${isNumber(method.there) ? `${withPercent(method.there)} without noise` : "no comparable result without noise"} (${method.trainer_title})`],
      ["trainers measured", method.trainers],
      ["rank", method.rank],
      ["cost", costOf(method)],
      ...method.noise.map((value, place) => [DATA.noise_titles[place], value ?? "not measured"]),
    ];
    return [heading(group.title), factsList(facts.filter(([, value]) => value && value !== "–"))];
  });
}

function costOf({ passes, seconds, devices }) {
  const known = [isNumber(passes) && `${passes} image-passes`, isNumber(seconds) && `${seconds} s on ${devices}`];
  return known.filter(Boolean).join("; ");
}

function cellsOf(card, cells) {
  const reported = card.reported ? [button("Reported numbers", () => showView("reported", card.name))] : [];
  const own = cells.length ? [button(`Its ${counted(cells.length, "cell")}`, () => showCellsOf(card))] : [];
  const nothing = cells.length ? [] : [element("p", { class: "about" }, "Not measured yet.")];
  return [...nothing, element("p", { class: "actions" }, ...own, ...reported)];
}

function showView(view, search) {
  find("#details").close();
  Object.assign(state, readState(), { view, search, sort: null, open: null });
  showAll("view");
  find("#main").focus();
}

function showCellsOf(card) {
  find("#details").close();
  Object.assign(state, readState(), { view: "cells", search: "", sort: null, open: null });
  for (const facet of FACETS) state.chosen[facet.id] = new Set();
  state.chosen[card.kind] = new Set([card.name]);
  showAll("view");
  find("#main").focus();
}
