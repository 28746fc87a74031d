// The run card while its run goes on: rows that grow, four views, stop buttons, find, keys.

const CARD_TABS = ["Chat", "Timeline", "Graph", "Raw"];

// ---- the card

function runCard(model, store, el, signal) {
  const card = { store, rows: new Map(), tab: CARD_TABS[0], dead: false };
  const title = h("strong", { class: "nba-title" });
  const badge = h("span");
  const facts = h("span");
  const stop = h("button", {
    type: "button",
    class: "nba-stop",
    "aria-label": "stop run",
    title: "stop the whole run",
    on: { click: () => card.stopRun() },
  }, "■ stop", h("span", { class: "nba-wideonly", text: " run" }));
  const find = finder(card);
  const tabs = CARD_TABS.map((name) =>
    h("button", {
      type: "button",
      role: "tab",
      text: name,
      on: { click: () => open(name), keydown: (event) => alongTabs(event, name) },
    }),
  );
  const above = h("div", { class: "nba-above" });
  card.above = above; // what was asked, which is no row
  const below = h("div", { class: "nba-below" });
  const log = h("div", { class: "nba-log", role: "log", "aria-live": "off", "aria-label": "messages" });
  const chart = laneChart();
  const filter = messageFilter(card, (to) => {
    if (card.tab !== "Chat") open("Chat");
    else tick();
    if (to === "rows") (firstRow()?.select ?? toEnd)();
  });
  const graph = filter.node;
  const raw = h("pre", { class: "nba-raw", tabindex: "0", "aria-label": "the messages as they are written" });
  const chat = h("div", {}, filter.bar, above, log, below);
  const panel = h("div", { class: "nba-panel", role: "tabpanel", tabindex: "-1" }, chat, chart.node, graph, raw);
  const fresh = h("button", {
    type: "button",
    class: "nba-fresh",
    hidden: true,
    on: {
      click: () => {
        toEnd();
        tick();
      },
    },
  });
  const told = h("p", { class: "nba-vh", role: "status" });
  const section = frame(
    "nba-run",
    "run",
    h(
      "header",
      { class: "nba-head nba-top" },
      title,
      h("span", { class: "nba-meta" }, badge, " ", facts),
      stop,
      h("div", { class: "nba-bar-tools" }, h("div", { role: "tablist", "aria-label": "views" }, ...tabs), find.node),
    ),
    panel,
    fresh,
    told,
  );
  let unseen = 0;
  let pinned = true; // to the end; until the person scrolls up
  let top = 0;

  // ---- drawing

  function draw(state, change) {
    if (state.frozen !== undefined) return freeze(state);
    if (!change || change.run) head(state);
    const before = card.rows.size;
    drawRows(card, log, state, change);
    filter.only();
    const growing = (state.rows ?? []).filter((row) => row.blocks).length;
    section.style.setProperty("--nba-grow", growing < 2 ? "18em" : growing < 3 ? "10em" : "5.6em");
    if (!pinned) unseen += Math.max(card.rows.size - before, 0);
    tick();
  }

  function head(state) {
    section.setAttribute("aria-label", `run: ${state.title}`);
    setText(title, state.title ?? "");
    swapHtml(badge, state.badge);
    swapHtml(above, state.above);
    swapHtml(below, state.below);
    setText(told, state.told ?? "");
    stop.hidden = state.state !== "running";
  }

  function tick() {
    const state = store.state;
    if (card.dead) return;
    const running = state.state === "running";
    const time = taken(store, state) ?? 0;
    setText(facts, [seconds(time), ...(state.facts ?? [])].join(" · "));
    tickRows(card);
    if (card.tab === "Timeline") chart.draw(state.lanes ?? [], time, running);
    if (card.tab === "Graph") filter.draw(state.graph);
    if (card.tab === "Raw") drawRaw(state);
    if (card.tab !== "Chat") return;
    if (pinned) toEnd();
    fresh.hidden = pinned || atEnd();
    setText(fresh, unseen ? `↓ ${unseen} new` : "↓ to the end");
  }

  function drawRaw(state) {
    const parts = (state.rows ?? []).map((row) =>
      row.state ? `${row.agent} · ${row.state}\n${row.text}\n` : "",
    );
    setText(raw, parts.filter(Boolean).join("\n"));
  }

  function freeze(state) {
    card.dead = true;
    showFrozen(el, state);
  }

  // ---- moving about

  const atEnd = () => panel.scrollHeight - panel.scrollTop - panel.clientHeight < 24;

  function toEnd() {
    pinned = true;
    unseen = 0;
    panel.scrollTop = panel.scrollHeight;
    top = panel.scrollTop;
  }

  panel.addEventListener(
    "scroll",
    () => {
      if (card.tab !== "Chat") return;
      if (panel.scrollTop < top - 2) pinned = false;
      else if (atEnd()) pinned = true;
      top = panel.scrollTop;
      tick();
    },
    { passive: true },
  );

  function open(name) {
    card.tab = name;
    tabs.forEach((tab, place) => {
      const chosen = CARD_TABS[place] === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    });
    panel.setAttribute("aria-label", name);
    chat.hidden = name !== "Chat";
    chart.node.hidden = name !== "Timeline";
    graph.hidden = name !== "Graph";
    raw.hidden = name !== "Raw";
    find.node.hidden = name !== "Chat";
    fresh.hidden = true;
    tick();
  }

  function alongTabs(event, name) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (CARD_TABS.indexOf(name) + step + CARD_TABS.length) % CARD_TABS.length;
    open(CARD_TABS[next]);
    tabs[next].focus();
    event.preventDefault();
  }

  section.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, textarea");
    const row = card.rows.get(event.target.closest?.("[data-key]")?.dataset.key);
    const onRow = row && event.target === row.node;
    if (event.key === "Escape") {
      if (typing) {
        find.close();
        firstRow()?.select();
      } else if (!filter.clear()) leave(el);
    } else if (typing) return;
    else if (event.key === "/") find.open();
    else if (event.key === "s" || event.key === "S") {
      if (row?.value.open) card.stopCall(row);
      else if (!row) card.stopRun();
    } else if (onRow && event.key === "Enter") row.unfold();
    else if (onRow && ["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) walk(row, event.key);
    else return;
    event.preventDefault();
  });

  const inOrder = () => [...log.children].map((node) => card.rows.get(node.dataset.key)).filter((row) => row?.value.state && !row.node.hidden);
  const firstRow = () => inOrder()[0];

  function walk(row, key) {
    const all = inOrder();
    const place = { ArrowDown: all.indexOf(row) + 1, ArrowUp: all.indexOf(row) - 1, Home: 0, End: all.length - 1 }[key];
    all[Math.min(Math.max(place, 0), all.length - 1)]?.select();
  }

  // ---- stopping

  card.stopCall = (row) => {
    const button = row.node.querySelector(".nba-stop");
    halt(button, store.state.server && `servers/${store.state.server}/calls/${row.key}/stop`, { call: row.key });
  };
  card.stopRun = () => {
    if (stop.hidden) return;
    halt(stop, store.state.server && `servers/${store.state.server}/runs/${store.state.run}/stop`, {
      run: store.state.run,
    });
  };

  async function halt(button, path, body) {
    if (!button || button.disabled) return;
    const was = [...button.childNodes];
    button.disabled = true;
    setText(button, "stopping…");
    try {
      await act(model, path, body);
    } catch (error) {
      setText(told, `it could not be stopped: ${error.message}`);
      button.title = error.message;
      button.disabled = false;
      button.replaceChildren(...was);
    }
  }

  el.replaceChildren(section);
  open(CARD_TABS.find((name) => name.toLowerCase() === store.state.tab) ?? CARD_TABS[0]);
  draw(store.state, null);
  store.watch((state, change) => {
    if (!card.dead) draw(state, change);
  }, signal);
  ticking(tick, signal);
  requestAnimationFrame(tick);
}

export default {
  initialize({ model }) {
    storeOf(model, mergeRun);
  },
  render({ model, el }) {
    const gone = new AbortController();
    runCard(model, storeOf(model, mergeRun), el, gone.signal);
    ready(model);
    return () => gone.abort();
  },
};
