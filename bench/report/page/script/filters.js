// The menus above the tables.

const MANY = 12;

function showFacets(refresh) {
  const menus = FACETS.map((facet) => ({ facet, values: valuesOf(facet) }))
    .filter(({ facet, values }) => values.length > 1 || differs(facet))
    .map(({ facet, values }) => facetMenu(facet, values, refresh));
  find("#facets").replaceChildren(...menus);
}

function differs(facet) {
  return [...state.chosen[facet.id]].join("\n") !== facet.usual.join("\n");
}

function valuesOf(facet) {
  const values = new Set(CELLS.map((cell) => String(cell[facet.id])));
  for (const value of state.chosen[facet.id]) values.add(value);
  return [...values].sort(new Intl.Collator("en", { numeric: true }).compare);
}

function facetMenu(facet, values, refresh) {
  const chosen = state.chosen[facet.id];
  const summary = element("summary", {}, facet.label, element("span", { class: "chosen" }, chosenText(facet)));
  const panel = element("div", { class: "panel", role: "group", "aria-label": facet.label });
  const menu = element("details", { class: "menu", "data-facet": facet.id }, summary, panel);
  const changed = () => {
    summary.lastChild.textContent = chosenText(facet);
    refresh();
  };
  menu.addEventListener("toggle", () => {
    if (menu.open && !panel.childElementCount) panel.append(...facetPanel(facet, values, chosen, changed));
    panel.classList.toggle("end", panel.getBoundingClientRect().right > document.documentElement.clientWidth);
  });
  return menu;
}

function facetPanel(facet, values, chosen, changed) {
  const choices = values.map((value) =>
    choice(value, chosen.has(value), (on) => {
      if (on) chosen.add(value);
      else chosen.delete(value);
      changed();
    }),
  );
  const all = button("All", () => {
    chosen.clear();
    for (const each of choices) each.firstChild.checked = false;
    changed();
  });
  if (values.length <= MANY) return [all, ...choices];
  const narrow = (event) => {
    const word = searchable(event.target.value);
    for (const each of choices) each.hidden = !searchable(each.textContent).includes(word);
  };
  const search = element("input", { type: "search", placeholder: "Find", "aria-label": `Find in ${facet.label}`, oninput: narrow });
  return [search, all, ...choices];
}

function chosenText(facet) {
  const values = [...state.chosen[facet.id]];
  return values.length > 2 ? `${values.length} selected` : values.join(", ");
}

function choice(text, on, act) {
  const box = element("input", { type: "checkbox", checked: on, onchange: () => act(box.checked) });
  return element("label", {}, box, element("span", {}, text));
}

function showColumnMenu(columns, refresh) {
  const choices = columns
    .filter((column) => column.optional)
    .map((column) =>
      choice(column.label, column.shown, () => {
        if (!state.toggled.delete(column.id)) state.toggled.add(column.id);
        refresh();
      }),
    );
  const panel = find("#columns .panel");
  const place = [...panel.querySelectorAll("input")].indexOf(document.activeElement);
  panel.replaceChildren(...choices);
  panel.querySelectorAll("input")[place]?.focus();
}

// A menu closes when the reader turns or tabs to something else, or presses Escape.
function closeMenus(event) {
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (event.type === "keydown") {
      if (event.key !== "Escape") return;
      menu.querySelector("summary").focus();
    } else if (menu.contains(event.target)) continue;
    menu.open = false;
  }
}
