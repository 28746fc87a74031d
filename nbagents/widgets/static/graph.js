// Who spoke to whom, to choose from: the chat then shows these messages alone, and the way back.

// Return { node, bar, draw, only, clear }: `node` is the graph, `bar` stands over the messages. `chosen(to)` is called
// when somebody chooses ("chat"), or goes back ("graph" to where they chose, else "rows").
function messageFilter(card, chosen) {
  const node = h("div", { on: { click: (event) => choose(event.target.closest("[data-pick]")) } });
  const which = h("span");
  const back = h("button", { type: "button", text: "show all", on: { click: () => clear() } });
  const bar = h("div", { class: "nba-only", hidden: true }, h("span", { role: "status" }, which), back);
  let pick = ""; // whom it is of, not where they stand: see `graph_picks`
  let name = "";
  let asks = false;
  let keys = [];

  function choose(target) {
    if (!target) return;
    pick = target.dataset.pick;
    asks = "asks" in target.dataset;
    keys = [];
    const named = node.querySelector(`button[data-pick="${pick}"]`) ?? target.querySelector("title");
    name = (named?.textContent ?? "").replace(/: [^:]*$/, "");
    only();
    chosen("chat");
    back.focus();
  }

  function clear() {
    if (!pick) return false;
    pick = "";
    only();
    chosen("rows");
    return true;
  }

  // Show the rows that were chosen, or all. Rows come and are drawn anew: this is done after each drawing.
  function only() {
    keys = card.store.state.picks?.[pick] ?? keys; // those that spoke least may not be drawn any more
    const wanted = pick && new Set(keys);
    let shown = 0;
    let all = 0;
    for (const row of card.rows.values()) {
      const out = Boolean(wanted) && !wanted.has(row.key);
      if (row.node.hidden !== out) row.node.hidden = out;
      if (!row.value.state) continue;
      all++;
      shown += !out;
    }
    bar.hidden = !pick;
    card.above.hidden = Boolean(pick) && !asks;
    if (pick) setText(which, `${pick[0] === "n" ? "from " : ""}${name} · ${shown} of ${all} messages`);
  }

  // Draw the graph; what has the focus in it keeps it.
  function draw(html) {
    const held = node.contains(document.activeElement) ? document.activeElement.dataset.pick : null;
    const before = node.nbaHtml;
    swapHtml(node, html);
    if (held && before !== node.nbaHtml) node.querySelector(`button[data-pick="${held}"]`)?.focus();
  }

  return { node, bar, draw, only, clear };
}
