// The card of an app that serves: where, how it fares, its last requests as they are answered, stop buttons.

const SERVING_PLACES = new WeakMap();

function servingCard(model, store, el, signal) {
  if (store.state.frozen !== undefined) return showFrozen(el, store.state);
  // Where a person is, is kept when the output is drawn anew.
  const place = SERVING_PLACES.get(model) ?? { top: null, spot: "", left: -Infinity };
  SERVING_PLACES.set(model, place);
  const card = { store, rows: new Map() };
  const title = h("strong", { class: "nba-title" });
  const badge = h("span");
  const clock = h("span");
  const stop = h("button", {
    type: "button",
    class: "nba-stop",
    text: "■ stop app",
    title: "serve no more; what is being answered gets some seconds to end",
    on: { click: stopApp },
  });
  const facts = h("dl", { class: "nba-facts" });
  const line = h("code", { class: "nba-line", tabindex: "0", "aria-label": "a line for a terminal" });
  const copyLine = h("button", {
    type: "button",
    class: "nba-copy",
    text: "copy",
    "aria-label": "copy the line",
    on: { click: copy },
  });
  const tryIt = h("div", { class: "nba-long" }, h("dt", { text: "try it" }), h("dd", { class: "nba-try" }, line, copyLine));
  const notes = h("div", { class: "nba-above" });
  const gap = h("p", { class: "nba-sep" });
  const log = h("div", { class: "nba-log", role: "log", "aria-live": "off", "aria-label": "requests" });
  const below = h("div", { class: "nba-below" });
  const panel = h("div", { class: "nba-panel", tabindex: "0", role: "group", "aria-label": "the last requests" }, gap, log);
  const error = h("p", { class: "nba-foot nba-serving-error", role: "alert", hidden: true });
  const told = h("p", { class: "nba-vh", role: "status" });
  const section = frame(
    "nba-run nba-serving",
    "app",
    h("header", { class: "nba-head nba-top" }, title, h("span", { class: "nba-meta" }, badge, " ", clock), stop),
    facts,
    notes,
    panel,
    below,
    error,
    told,
  );
  const words = new Map();
  let gone = false;

  // ---- drawing

  function draw(state, change) {
    if (state.frozen !== undefined) {
      gone = true;
      return showFrozen(el, state);
    }
    const pinned = atEnd();
    if (!change || change.run) head(state);
    drawRows(card, log, state, change);
    const growing = (state.rows ?? []).filter((row) => row.blocks).length;
    section.style.setProperty("--nba-grow", growing < 2 ? "12em" : "5.6em");
    const hidden = state.hidden ?? 0;
    const empty = !(state.rows ?? []).length && !hidden;
    setText(gap, empty ? "nobody has asked yet" : `… ${hidden} more, not shown`);
    gap.hidden = !empty && !hidden;
    tick();
    if (pinned) toEnd();
  }

  function head(state) {
    section.setAttribute("aria-label", `app: ${state.title}`);
    setText(title, state.title ?? "");
    swapHtml(badge, state.badge);
    swapHtml(notes, state.above);
    swapHtml(below, state.below);
    setText(told, (state.told ?? "").trim());
    if (state.ending) {
      stop.disabled = true;
      setText(stop, "stopping…");
    }
    (state.facts ?? []).forEach(([name, html], at) => {
      if (!words.has(name)) {
        words.set(name, h("dd"));
        facts.insertBefore(h("div", {}, h("dt", { text: name }), words.get(name)), facts.children[at] ?? null);
      }
      swapHtml(words.get(name), html);
    });
    setText(line, state.line ?? "");
    if (state.line && !tryIt.isConnected) facts.append(tryIt);
    if (!state.line) tryIt.remove();
  }

  function tick() {
    if (gone) return;
    setText(clock, seconds(taken(store, store.state) ?? 0));
    tickRows(card);
  }

  const atEnd = () => place.top === null;
  function toEnd() {
    panel.scrollTop = panel.scrollHeight;
  }
  panel.addEventListener(
    "scroll",
    () => {
      const end = panel.scrollHeight - panel.scrollTop - panel.clientHeight < 24;
      place.top = end ? null : panel.scrollTop;
    },
    { passive: true },
  );

  // ---- acting

  async function stopApp() {
    if (stop.disabled) return;
    stop.disabled = true;
    setText(stop, "stopping…");
    try {
      await ask(model, "", { do: "stop" });
    } catch (failure) {
      stop.disabled = false;
      setText(stop, "■ stop app");
      fail(failure);
    }
  }

  card.stopCall = async (row) => {
    const button = row.node.querySelector(".nba-stop");
    if (!button || button.disabled) return;
    button.disabled = true;
    setText(button, "stopping…");
    try {
      await ask(model, "", { request: row.key });
    } catch (failure) {
      button.disabled = false;
      setText(button, "■ stop");
      fail(failure);
    }
  };

  function fail(failure) {
    setText(error, `✗ ${failure.message}`);
    error.hidden = false;
    setTimeout(() => (error.hidden = true), 8000);
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(store.state.line ?? "");
      setText(copyLine, "✓ copied");
      setText(told, "copied");
    } catch {
      getSelection()?.selectAllChildren(line); // the page may not write: the person can
      setText(copyLine, "Ctrl-C copies");
    }
    setTimeout(() => setText(copyLine, "copy"), 2000);
  }

  // The kernel is gone, and the app with it: nothing here can be stopped any more. Whoever tells of that: the
  // widgets' own manager, or our Lab extension.
  function lost() {
    if (gone) return;
    gone = true;
    for (const button of section.querySelectorAll(".nba-stop")) button.remove();
    setText(badge, "■ stopped");
    badge.className = "nba-state nba-stopped";
    words.get("health")?.replaceChildren("has ended");
    tryIt.remove();
    below.replaceChildren(h("p", { class: "nba-foot", text: "its kernel has ended, and the app with it" }));
  }

  // ---- keys

  section.addEventListener("focusin", ({ target }) => {
    place.spot = target.closest("[data-key]")?.dataset.key ?? target.className;
    place.left = Infinity;
  });
  section.addEventListener("focusout", () => (place.left = performance.now()));

  section.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = card.rows.get(event.target.closest?.("[data-key]")?.dataset.key);
    if (event.key === "Escape") leave(el);
    else if ((event.key === "s" || event.key === "S") && row?.value.open) card.stopCall(row);
    else if (row && event.target === row.node && event.key === "Enter") row.unfold();
    else if (row && event.target === row.node && ["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) walk(row, event.key);
    else return;
    event.preventDefault();
  });

  function walk(row, key) {
    const all = [...log.children].map((node) => card.rows.get(node.dataset.key)).filter(Boolean);
    const at = { ArrowDown: all.indexOf(row) + 1, ArrowUp: all.indexOf(row) - 1, Home: 0, End: all.length - 1 }[key];
    all[Math.min(Math.max(at, 0), all.length - 1)]?.select();
  }

  el.replaceChildren(section);
  draw(store.state, null);
  requestAnimationFrame(() => {
    panel.scrollTop = place.top ?? panel.scrollHeight;
    if (performance.now() - place.left > 400) return;
    const spot = card.rows.get(place.spot)?.node ?? section.getElementsByClassName(place.spot)[0];
    spot?.focus({ preventScroll: true });
  });
  store.watch((state, change) => {
    if (!gone) draw(state, change);
  }, signal);
  ticking(tick, signal);
  section.addEventListener("nbagents:gone", lost);
  model.on("comm_live_update", lost);
  signal.addEventListener("abort", () => model.off("comm_live_update", lost));
}

export default {
  initialize({ model }) {
    storeOf(model, mergeRun);
  },
  render({ model, el }) {
    const gone = new AbortController();
    servingCard(model, storeOf(model, mergeRun), el, gone.signal);
    ready(model);
    return () => gone.abort();
  },
};
