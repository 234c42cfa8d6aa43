// The answer, of one group of results: who protects best against each trainer, and all methods by their strongest.

function showFront(refresh) {
  const front = find("#front");
  const group = state.front;
  front.hidden = !group;
  if (!group) return;
  front.replaceChildren(
    element("h2", {}, "Which method, against whom, at what cost?"),
    ...group.answer.map((line) => element("p", { class: "answer" }, ...emphasised(line, group))),
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

// A sentence with the first name of a method in it in bold.
function emphasised(text, group) {
  const word = text.split(/[ ,:]+/).find((each) => group.methods.has(each));
  if (!word) return [text];
  const at = text.indexOf(word);
  return [text.slice(0, at), element("strong", { class: "name" }, word), text.slice(at + word.length)];
}

const COSTS = [
  { id: "passes", label: "image-passes", numeric: true },
  { id: "seconds", label: "seconds", numeric: true },
  { id: "device", label: "on", wraps: true },
];

function costCells(method) {
  return [...["passes", "seconds"].map((id) => textCell(method?.[id] || "–")), textCell(method?.devices || "–")];
}

function leadersModel(group) {
  const columns = [
    { id: "uses", label: "if the trainer uses", phone: true, wraps: true },
    { id: "method", label: "best method", phone: true },
    { id: "accuracy", label: "accuracy %", numeric: true, phone: true },
    { id: "there", label: "clean there", numeric: true },
    { id: "bar", label: "0 to 100%" },
    { id: "certainty", label: "how sure" },
    ...COSTS,
  ];
  const rows = group.leaders.map(({ trainer, method, accuracy, clean, certainty }) => ({
    cells: [
      textCell(trainer),
      methodCell(method, group.methods.get(method)?.label ?? method),
      textCell(accuracy),
      textCell(clean),
      { text: "", bar: numberIn(accuracy), clean: numberIn(clean) },
      textCell(certainty),
      ...costCells(group.methods.get(method)),
    ],
  }));
  const about = `Of the methods within ${group.bound} that were measured at a trainer, the one that leaves the lowest accuracy (bar), next to clean images (line). Certain: below clean images and every other such method with the 95% interval of the difference.`;
  return { title: `Best method within ${group.bound} against each trainer`, about, columns, rows };
}

function strongestModel(group) {
  const columns = [
    { id: "method", label: "method", phone: true },
    { id: "strongest", label: "accuracy %", numeric: true, phone: true },
    { id: "there", label: "clean there", numeric: true },
    { id: "bar", label: "0 to 100%" },
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
  const about = "Accuracy that the strongest trainer measured reaches on protected images (bar), and on clean ones (line). Trainers: how many of the suite were measured; the others may be stronger, so methods that lack trainers come last. Seeds: with the lowest and the worst. Rank: the range that the data leave open (95%). Image-passes and seconds: cost of the noise. § an older version; † pixels may exceed the bound.";
  return { title: "All methods by their strongest trainer", about, columns, rows };
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
  if (DATA.groups.length < 2) return element("p", { class: "about" }, `Measured on ${state.front.title}.`);
  const choose = (event) => {
    state.front = DATA.groups[event.target.value];
    refresh();
    find("#front select").focus();
  };
  const options = DATA.groups.map((group, place) => element("option", { value: place, selected: group === state.front }, group.title));
  return element("label", { class: "chooser" }, "Measured on ", element("select", { onchange: choose }, ...options));
}
