// Find in the messages of a run: marks those that hold what is typed, and walks through them.

function finder(card) {
  const box = h("input", {
    type: "search",
    placeholder: "find",
    "aria-label": "find in the messages",
    on: { input: () => look(), keydown: (event) => event.key === "Enter" && step(event.shiftKey ? -1 : 1) },
  });
  const count = h("span", { class: "nba-count", "aria-live": "polite" });
  const node = h("span", { class: "nba-find" }, box, count);
  let hits = [];
  let at = -1;

  function look() {
    const wanted = box.value.toLowerCase();
    hits = [];
    for (const row of card.rows.values()) {
      const hit = wanted && row.value.state && !row.node.hidden && `${row.value.agent}\n${row.value.text}`.toLowerCase().includes(wanted);
      row.node.classList.toggle("nba-hit", Boolean(hit));
      row.node.classList.remove("nba-at");
      if (hit) hits.push(row);
    }
    hits.sort((one, other) => one.value.place - other.value.place);
    at = -1;
    if (hits.length) step(1);
    else setText(count, wanted ? "none" : "");
  }

  function step(by) {
    if (!hits.length) return;
    hits[at]?.node.classList.remove("nba-at");
    at = (at + by + hits.length) % hits.length;
    hits[at].node.classList.add("nba-at");
    hits[at].node.scrollIntoView({ block: "nearest" });
    setText(count, `${at + 1} of ${hits.length}`);
  }

  return {
    node,
    open: () => box.focus(),
    close() {
      box.value = "";
      look();
    },
  };
}
