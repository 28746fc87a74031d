// The rows of a run or a chat: how their state changes, and how each grows in the page.

// ---- the state

// Change a run's state by what a message says; see `Changes` in the kernel, which makes these.
function mergeRun(state, change) {
  const rows = new Map((state.rows ?? []).map((row) => [row.key, row]));
  for (const part of change.rows ?? []) {
    const known = rows.get(part.key) ?? {};
    const { add, more, ...rest } = part;
    const row = { ...known, ...rest };
    if (add !== undefined) row.text = (known.text ?? "") + add;
    if (more !== undefined) row.blocks = [...(known.blocks ?? []), ...more];
    rows.set(part.key, row);
  }
  const order = change.order ?? (state.rows ?? []).map((row) => row.key);
  const picks = { ...(state.picks ?? {}), ...(change.picks ?? {}) };
  for (const pick of change.gone ?? []) delete picks[pick];
  return { ...state, ...(change.run ?? {}), picks, rows: order.map((key) => rows.get(key)).filter(Boolean) };
}

// ---- one row

function cardRow(card, key) {
  const row = { key, node: null, html: null, value: {}, grown: 0, shown: 0, tail: null, wide: false };
  row.draw = (value) => {
    if (row.html !== value.html || (value.blocks?.length ?? 0) < row.grown) rebuild(value);
    grow(value);
    row.value = value;
  };
  row.tick = () => {
    const time = row.value.open ? taken(card.store, row.value) : null;
    if (row.slot && time !== null && time !== undefined) setText(row.slot, seconds(time));
  };
  // What stands at the end overflows at the beginning, which no scrollHeight counts.
  row.overflows = () => row.blocks && row.blocks.offsetTop < row.blocks.parentElement.offsetTop - 1;
  row.select = () => {
    for (const other of card.rows.values()) other.node.tabIndex = -1;
    row.node.tabIndex = 0;
    row.node.focus();
  };
  // Unfold or fold what is long in it.
  row.unfold = () => {
    const folds = [...row.node.querySelectorAll("details")];
    if (folds.length) {
      const open = !folds[0].open;
      for (const fold of folds) fold.open = open;
    } else {
      row.wide = !row.wide;
      row.node.classList.toggle("nba-wide", row.wide);
    }
  };

  function rebuild(value) {
    const fresh = fromPython(value.html).firstElementChild ?? h("p");
    const focused = row.node?.contains(document.activeElement);
    fresh.tabIndex = row.node?.tabIndex ?? -1;
    fresh.classList.toggle("nba-wide", row.wide);
    fresh.dataset.key = key;
    if (value.state) {
      fresh.setAttribute("aria-label", `${value.agent}, message ${value.place} of ${value.count}`);
      if (value.open) stopButton(fresh, value);
      card.dress?.(row, fresh, value);
    }
    row.node?.replaceWith(fresh);
    Object.assign(row, { node: fresh, html: value.html, grown: 0, shown: 0 });
    row.slot = fresh.querySelector(".nba-tick");
    row.blocks = fresh.querySelector(".nba-grown");
    const tail = fresh.querySelector(".nba-tail");
    row.tail = tail ? tail.appendChild(document.createTextNode("")) : null;
    if (!tail) showFormulas([...fresh.querySelectorAll(".nba-body.mathjax_process")]);
    if (focused) fresh.focus();
  }

  function stopButton(node, value) {
    const button = h("button", {
      type: "button",
      class: "nba-stop",
      text: "■ stop",
      "aria-label": `stop ${value.agent}`,
      title: `stop ${value.agent} (S)`,
      tabindex: "-1",
      on: { click: () => card.stopCall(row) },
    });
    node.querySelector(".nba-who")?.append(button);
  }

  function grow(value) {
    if (!row.tail) return;
    const blocks = value.blocks ?? [];
    const begun = blocks.length !== row.grown;
    for (; row.grown < blocks.length; row.grown++) {
      const block = fromPython(blocks[row.grown]);
      const parts = [...block.children];
      row.blocks.append(block);
      showFormulas(parts);
    }
    const rest = value.text.slice(value.done ?? 0);
    if (!begun && rest.length >= row.shown) row.tail.appendData(rest.slice(row.shown));
    else row.tail.data = rest;
    row.shown = rest.length;
  }

  return row;
}

// Let the rows show how time goes on. First all is written, then all is measured: the page is laid out once.
function tickRows(card) {
  const rows = [...card.rows.values()];
  for (const row of rows) row.tick();
  const over = rows.map((row) => row.overflows());
  rows.forEach((row, place) => row.blocks?.parentElement.classList.toggle("nba-over", over[place]));
}

// Draw the rows of a state into `log`, those alone that `change` names where the order is the same.
// `card` holds the `store` and `rows` (what is drawn, by key), and remembers the order.
function drawRows(card, log, state, change) {
  const all = state.rows ?? [];
  const said = all.filter((value) => value.state);
  const changed = change?.rows && new Set(change.rows.map((part) => part.key));
  const order = all.map((value) => value.key).join(" ");
  let place = 0;
  for (const value of all) {
    if (value.state) Object.assign(value, { place: ++place, count: said.length });
    let row = card.rows.get(value.key);
    if (!row) {
      row = cardRow(card, value.key);
      card.rows.set(value.key, row);
    } else if (changed && !changed.has(value.key) && order === card.order) continue;
    row.draw(value);
  }
  if (order !== card.order) arrangeRows(card, log, all, said.length);
  card.order = order;
}

function arrangeRows(card, log, all, count) {
  const kept = new Set(all.map((value) => value.key));
  for (const [key, row] of [...card.rows]) {
    if (kept.has(key)) continue;
    row.node.remove();
    card.rows.delete(key);
  }
  all.forEach((value, place) => {
    const node = card.rows.get(value.key).node;
    if (log.children[place] !== node) log.insertBefore(node, log.children[place] ?? null);
    if (value.state) node.setAttribute("aria-label", `${value.agent}, message ${value.place} of ${count}`);
  });
  if (!log.querySelector('[tabindex="0"]')) {
    const first = card.rows.get(all[0]?.key);
    if (first) first.node.tabIndex = 0;
  }
}
