// What an agent remembers: rows with what a person may change, as a chat or exactly as the model is sent it.

const MEMORY_TABS = ["As chat", "As sent"];

function memoryPanel(model, store, el, signal) {
  if (store.state.frozen !== undefined) return showFrozen(el, store.state);
  let tab = MEMORY_TABS[0];
  let editing = null;
  const drawn = new Map();
  const title = h("strong", { class: "nba-title" });
  const told = h("span", { class: "nba-meta", role: "status" });
  const undo = tool("undo", "take the last change back", () => change({ op: "undo" }), "↶");
  const look = tool("refresh", "look again", () => change({ op: "look" }), "⟳");
  const tabs = MEMORY_TABS.map((name) =>
    h("button", {
      type: "button",
      role: "tab",
      text: name,
      on: { click: () => open(name), keydown: (event) => along(event, name) },
    }),
  );
  const error = h("p", { class: "nba-memory-error", role: "alert", hidden: true });
  const older = h("p", { class: "nba-sep", hidden: true });
  const log = h("div", { class: "nba-log", role: "list", "aria-label": "messages" });
  const sent = h("pre", { class: "nba-raw", tabindex: "0", "aria-label": "what the model is sent" });
  const chat = h("div", {}, older, log);
  const panel = h("div", { class: "nba-panel", role: "tabpanel" }, chat, sent);
  const section = frame(
    "nba-memory",
    "memory",
    h(
      "header",
      { class: "nba-head nba-top" },
      title,
      told,
      h("div", { class: "nba-bar-tools" }, h("div", { role: "tablist", "aria-label": "views" }, ...tabs), undo, look),
    ),
    error,
    panel,
  );

  // Where there is little room, its sign says enough.
  function tool(word, label, act, sign) {
    const about = { type: "button", title: label, "aria-label": label, on: { click: act } };
    return h("button", about, sign, h("span", { class: "nba-wideonly", text: ` ${word}` }));
  }

  // ---- drawing

  function draw(state) {
    if (state.frozen !== undefined) return showFrozen(el, state);
    section.setAttribute("aria-label", state.title ?? "memory");
    setText(title, state.title ?? "");
    setText(told, state.waits ? "waiting for the agent's turn…" : "");
    setText(error, state.error ? `✗ ${state.error}` : "");
    error.hidden = !state.error;
    undo.disabled = !state.undo || state.waits;
    setText(older, state.older ? `… ${state.older} older, not shown` : "");
    older.hidden = !state.older;
    setText(sent, state.sent ?? "this agent has no model that would be sent anything");
    // What is new is followed by whoever has read to the end; a memory is read from its beginning.
    const bottom = drawn.size > 0 && panel.scrollHeight - panel.scrollTop - panel.clientHeight < 24;
    const kept = new Set();
    (state.rows ?? []).forEach((value, place) => {
      const key = value.id ?? `system-${place}`;
      kept.add(key);
      let row = drawn.get(key);
      const busy = row?.node.querySelector(".nba-edit-form"); // what a person types is not drawn over
      const same = row && (busy || (row.value.html === value.html && row.value.after === value.after));
      if (!same) {
        const fresh = rowOf(value);
        const at = row ? [...row.node.querySelectorAll("button")].indexOf(document.activeElement) : -1;
        row?.node.replaceWith(fresh);
        // Whoever changed it with the keyboard stays where it was changed.
        if (at >= 0) fresh.querySelectorAll("button")[at]?.focus({ preventScroll: true });
        row = { node: fresh, value };
        drawn.set(key, row);
      }
      if (log.children[place] !== row.node) log.insertBefore(row.node, log.children[place] ?? null);
    });
    for (const [key, row] of [...drawn]) {
      if (kept.has(key)) continue;
      if (row.node.contains(document.activeElement)) (undo.disabled ? look : undo).focus({ preventScroll: true });
      row.node.remove();
      drawn.delete(key);
    }
    if (bottom) panel.scrollTop = panel.scrollHeight;
  }

  function rowOf(value) {
    const article = fromPython(value.html).firstElementChild ?? h("article");
    const item = h("div", { role: "listitem", class: "nba-entry" }, article);
    if (value.id) article.append(tools(value, item));
    return item;
  }

  function tools(value, item) {
    const whose = `the message from ${value.name}`;
    const button = (text, label, on) =>
      h("button", { type: "button", text, title: label, "aria-label": `${label}: ${whose}`, on: { click: on } });
    return h(
      "div",
      { class: "nba-entry-tools", role: "group", "aria-label": `change ${whose}` },
      value.words ? button("✎ edit", "edit", () => edit(value, item)) : null,
      value.muted
        ? button("⊙ unmute", "send it to the model again", () => change({ op: "unmute", id: value.id }))
        : button("⊘ mute", "keep it from the model", () => change({ op: "mute", id: value.id })),
      button("✕ delete", "delete", () => change({ op: "delete", id: value.id })),
      value.after ? button("↶ rewind", `forget the ${value.after} after it`, () => change({ op: "rewind", id: value.id })) : null,
    );
  }

  function edit(value, item) {
    editing?.();
    const box = h("textarea", { class: "nba-edit", "aria-label": `the words of ${value.name}`, rows: "4" });
    box.value = value.text;
    const form = h(
      "div",
      { class: "nba-edit-form" },
      box,
      h("button", { type: "button", text: "save", on: { click: save } }),
      h("button", { type: "button", text: "cancel", on: { click: close } }),
    );
    const hidden = [...item.children];
    for (const child of hidden) child.hidden = true;
    item.append(form);
    editing = close;
    box.focus();
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    function save() {
      change({ op: "edit", id: value.id, content: box.value });
      close();
    }
    function close() {
      form.remove();
      for (const child of hidden) child.hidden = false;
      item.querySelector(".nba-entry-tools button")?.focus();
      editing = null;
      draw(store.state);
    }
  }

  // ---- acting

  async function change(body) {
    try {
      await ask(model, "", body);
    } catch (failure) {
      setText(error, `✗ ${failure.message}`);
      error.hidden = false;
    }
  }

  // ---- moving about

  function open(name) {
    tab = name;
    tabs.forEach((button, place) => {
      const chosen = MEMORY_TABS[place] === tab;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    });
    panel.setAttribute("aria-label", tab);
    chat.hidden = tab !== MEMORY_TABS[0];
    sent.hidden = tab === MEMORY_TABS[0];
  }

  function along(event, name) {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    const next = 1 - MEMORY_TABS.indexOf(name);
    open(MEMORY_TABS[next]);
    tabs[next].focus();
    event.preventDefault();
  }

  el.replaceChildren(section);
  open(tab);
  draw(store.state);
  store.watch((state) => draw(state), signal);
}

export default {
  initialize({ model }) {
    storeOf(model, (state) => state);
  },
  render({ model, el }) {
    const gone = new AbortController();
    memoryPanel(model, storeOf(model, (state) => state), el, gone.signal);
    ready(model);
    return () => gone.abort();
  },
};
