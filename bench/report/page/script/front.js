// The answer: of one group of results the methods by their strongest trainer, track by track, next to clean.

function showFront(refresh) {
  const front = find("#front");
  const group = state.front;
  front.hidden = !group;
  if (!group) return;
  const model = frontModel(group);
  const body = element("tbody", {}, ...model.rows.map((row) => rowOf(model, row)));
  const table = element("table", {}, element("caption", { class: "skip" }, `Methods by strongest trainer, ${group.title}`), headOf(model, null), body);
  const scroll = element("div", { class: "scroll", role: "region", "aria-label": "Methods by strongest trainer", tabindex: "0" }, table);
  front.replaceChildren(
    element("h2", {}, "Which method, against whom, at what cost?"),
    element("p", { class: "answer" }, ...emphasised(group.answer, group.take)),
    chooserOf(refresh),
    scroll,
    element("p", { class: "about" }, "Accuracy that the strongest trainer measured reaches on protected images (bar), and on clean ones (line). Trainers: how many of the suite were measured; the others may be stronger. Seeds: with the lowest and the worst. Rank: the range that the data leave open (95%). Image-passes and seconds: cost of the noise. § an older version; † pixels may exceed the bound."),
  );
}

// A sentence with the first of a name in it in bold.
function emphasised(text, name) {
  const at = name ? text.indexOf(name) : -1;
  return at < 0 ? [text] : [text.slice(0, at), element("strong", { class: "name" }, name), text.slice(at + name.length)];
}

function frontModel(group) {
  const columns = [
    { id: "method", label: "method", phone: true },
    { id: "strongest", label: "accuracy %", numeric: true, phone: true },
    { id: "there", label: "clean there", numeric: true },
    { id: "bar", label: "0 to 100%" },
    { id: "trainer", label: "strongest trainer" },
    { id: "trainers", label: "trainers", numeric: true },
    { id: "seeds", label: "seeds" },
    { id: "rank", label: "rank", numeric: true },
    { id: "passes", label: "image-passes", numeric: true, phone: true },
    { id: "seconds", label: "seconds", numeric: true },
    { id: "device", label: "on", wraps: true },
  ];
  const found = [...group.methods.values()].filter((method) => isNumber(method.strongest));
  const rows = group.tracks.flatMap((heading, track) => {
    const here = found.filter((method) => method.track === track);
    return here.length ? [{ heading }, ...here.map(frontRow)] : [];
  });
  return { columns, rows };
}

function frontRow(method) {
  return {
    cells: [
      methodCell(method.name, method.label),
      textCell(method.headline),
      textCell(method.there),
      { text: "", bar: numberIn(method.strongest), clean: numberIn(method.there) },
      ...["trainer", "trainers"].map((id) => textCell(method[id])),
      textCell(method.seeds),
      ...["rank", "passes", "seconds"].map((id) => textCell(method[id] || "–")),
      textCell(method.devices),
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
