// The answer, of one group of results: which method leaves least to each trainer, and all methods by their strongest.

function showFront(refresh) {
  const front = find("#front");
  const group = state.front;
  front.hidden = !group;
  if (!group) return;
  front.replaceChildren(
    element("h2", {}, "Which method, what cost, how sure?"),
    ...group.answer.map((line) => element("p", { class: "answer" }, ...emphasised(line, group))),
    element("p", { class: "about" }, "Image-pass: one image through a network, forward and backward. Run: one random seed."),
    chooserOf(refresh),
    ...(group.leaders.length ? tableOfFront(leadersModel(group)) : []),
    ...tableOfFront(strongestModel(group)),
  );
}

function tableOfFront(model) {
  const body = element("tbody", {}, ...model.rows.map((row) => rowOf(model, row)));
  const table = element("table", {}, element("caption", { class: "skip" }, model.title), headOf(model, null), body);
  return [
    element("h3", {}, model.title),
    element("div", { class: "scroll", role: "region", "aria-label": model.title, tabindex: "0" }, table),
    element("p", { class: "about" }, model.about),
  ];
}

// A sentence in which words with hyphens do not break, and names of methods open their cards.
function emphasised(text, group) {
  return text.split(/([\w-]+-[\w-]+)/).map((word, place) => {
    if (place % 2 === 0) return word;
    const name = element(group.methods.has(word) ? "strong" : "span", { class: "name" });
    name.append(...(group.methods.has(word) ? contentOf(methodCell(word, word)) : [word]));
    return name;
  });
}

function marksOf(group) {
  return `${group.without_passes} Bars: 0 to 100%. Image-passes and seconds: cost of the noise, seconds on the fastest and the slowest hardware measured, which a method's card names. ‡: stopped by its step budget. §: an older version. –: not measured.`.trim();
}

const COSTS = [
  { id: "passes", label: "image-passes", numeric: true },
  { id: "seconds_range", label: "seconds", numeric: true },
];

function costCells(method) {
  return COSTS.map(({ id }) => textCell(method?.[id] ?? "–"));
}

const ACCURACIES = (id) => [
  { id, label: "accuracy %", numeric: true, phone: true },
  { id: "there", label: "without noise", numeric: true },
  { id: "bar", label: "", legend: ["with", "without noise"] },
];

function leadersModel(group) {
  const columns = [
    { id: "uses", label: "if the trainer uses", phone: true, wraps: true },
    { id: "method", label: "method", phone: true },
    ...ACCURACIES("accuracy"),
    { id: "certainty", label: "how sure" },
    ...COSTS,
  ];
  const rows = group.leaders.map(({ trainer, entry, method, accuracy, clean, certainty }) => ({
    cells: [
      { ...textCell(trainer), open: entry && cardOf(...entry), label: `About ${trainer}` },
      methodCell(method, group.methods.get(method)?.label ?? method),
      textCell(accuracy),
      textCell(clean),
      { text: "", bar: numberIn(accuracy), clean: numberIn(clean) },
      textCell(certainty),
      ...costCells(group.methods.get(method)),
    ],
  }));
  const about = `Of the methods within ${group.bound} measured against a trainer, the one that leaves the lowest accuracy. Certain: the 95% intervals of its differences from clean images and from every other such method measured since the trainer's last correction lie below zero. ${marksOf(group)}`;
  return { title: `Lowest accuracy so far against each trainer, within ${group.bound}`, about, columns, rows };
}

function strongestModel(group) {
  const columns = [
    { id: "method", label: "method", phone: true },
    ...ACCURACIES("strongest"),
    { id: "trainer", label: "strongest trainer", wraps: true },
    { id: "trainers", label: "trainers", numeric: true },
    { id: "seeds", label: "seeds" },
    { id: "rank", label: "rank", numeric: true },
    ...COSTS.map((column) => ({ ...column, phone: column.id === "passes" })),
  ];
  const found = [...group.methods.values()].filter((method) => isNumber(method.strongest));
  const rows = group.tracks.flatMap((heading, track) => {
    const here = found.filter((method) => method.track === track);
    return here.length ? [{ heading }, ...here.map(strongestRow)] : [];
  });
  const about = `Trainers: how many of the suite were measured; the others may be stronger, so methods that lack trainers come last. Seeds: with the lowest and the worst accuracy. Rank: the range that the data leave open (95%). †: pixels may exceed the bound. ${marksOf(group)}`;
  return { title: "All methods by their strongest trainer, the one that reaches the highest accuracy", about, columns, rows };
}

function strongestRow(method) {
  return {
    cells: [
      methodCell(method.name, method.label),
      textCell(method.headline),
      textCell(method.there),
      { text: "", bar: numberIn(method.strongest), clean: numberIn(method.there) },
      textCell(method.trainer_title),
      textCell(method.trainers),
      textCell(method.seeds),
      textCell(method.rank),
      ...costCells(method),
    ],
  };
}

function chooserOf(refresh) {
  const images = state.front.images ? `${state.front.images}; results may differ for larger ones. ` : "";
  const about = `${images}Networks: ${state.front.networks}; -wN: base width N.`;
  if (DATA.groups.length < 2) return element("p", { class: "about" }, `Measured on ${state.front.title}. ${about}`);
  const choose = (event) => {
    state.front = DATA.groups[event.target.value];
    refresh();
    find("#front select").focus();
  };
  const options = DATA.groups.map((group, place) => element("option", { value: place, selected: group === state.front }, group.title));
  return element("label", { class: "chooser" }, "Measured on ", element("select", { onchange: choose }, ...options), element("span", {}, ` ${about}`));
}
