// A chat with agents: rows as in a run, and a box to write in. What is typed outlives a redrawing of the output.

const CHAT_DRAFTS = new Map();

function chatPanel(model, store, el, signal) {
  if (store.state.frozen !== undefined) return showFrozen(el, store.state);
  const draft = CHAT_DRAFTS.get(store.state.key) ?? { text: "", instead: null, left: 0, within: false, waits: null };
  CHAT_DRAFTS.set(store.state.key, draft);
  const chat = { store, rows: new Map() };
  const title = h("strong", { class: "nba-title" });
  const facts = h("span", { class: "nba-meta" });
  const copyAll = h("button", { type: "button", text: "copy", title: "copy the conversation", on: { click: copyText } });
  const save = h("button", { type: "button", text: "⤓ export", title: "save the conversation as Markdown", on: { click: exportText } });
  const log = h("div", { class: "nba-log", role: "log", "aria-live": "off", "aria-label": "messages" });
  const empty = h("p", { class: "nba-sep" });
  const panel = h("div", { class: "nba-panel", tabindex: "0", "aria-label": "the conversation" }, empty, log);
  const told = h("p", { class: "nba-vh", role: "status" });
  const error = h("p", { class: "nba-chat-error", role: "alert", hidden: true });
  const instead = h("p", { class: "nba-chat-note", hidden: true });
  const box = h("textarea", { class: "nba-chat-box", rows: "1", "aria-label": "your message" });
  const send = h("button", { type: "button", class: "nba-send", text: "send ⏎", on: { click: say } });
  const stop = h("button", { type: "button", class: "nba-stop", text: "■ stop", on: { click: stopAll } });
  const section = frame(
    "nba-run nba-chat",
    "chat",
    h("header", { class: "nba-head nba-top" }, title, facts, h("span", { class: "nba-chat-tools" }, copyAll, save)),
    panel,
    h("div", { class: "nba-compose" }, error, instead, h("div", { class: "nba-compose-line" }, box, send, stop)),
    told,
  );

  // ---- drawing

  function draw(state, change) {
    if (state.frozen !== undefined) return showFrozen(el, state);
    const running = state.state === "running";
    const pinned = panel.scrollHeight - panel.scrollTop - panel.clientHeight < 24;
    setText(title, state.title ?? "");
    setText(facts, (state.facts ?? []).join(" · "));
    setText(told, state.told ?? "");
    section.setAttribute("aria-label", state.title ?? "chat");
    stop.hidden = !running;
    if (stop.hidden) stop.disabled = false;
    const names = state.agents ?? [];
    box.placeholder = names.length > 1 ? `message all, or @${names[0]} …` : `message ${names[0] ?? ""}`;
    setText(empty, `say something to ${names.join(", ")}`);
    empty.hidden = (state.rows ?? []).length > 0;
    copyAll.disabled = save.disabled = !empty.hidden;
    setText(error, state.error ? `✗ ${state.error.why}` : "");
    error.hidden = !state.error;
    if (state.error && draft.waits !== null) draft.text = state.error.text;
    if (box.value !== draft.text) {
      box.value = draft.text; // another view of this chat may have been written in
      fit();
    }
    if (change === null || change?.order || change?.run?.error !== undefined) draft.waits = null;
    drawRows(chat, log, state, change);
    if (pinned) panel.scrollTop = panel.scrollHeight;
    waiting();
  }

  // What a row offers besides: copying, and for the person's own words saying them anew.
  chat.dress = (row, node, value) => {
    if (value.open) return;
    const tools = h("span", { class: "nba-row-tools" });
    if ((store.state.anew ?? []).includes(value.key)) {
      tools.append(tool("✎ edit", `edit what you said and send it again`, () => anew(value)));
    }
    if (value.text) tools.append(tool("copy", `copy what ${value.agent} said`, (event) => copy(value.text, event.currentTarget)));
    node.querySelector(".nba-who")?.append(tools);
  };
  const tool = (text, label, click) =>
    h("button", { type: "button", text, title: label, "aria-label": label, on: { click } });

  function waiting() {
    setText(instead, draft.instead ? "this replaces what you said; what came after it is forgotten (Esc to leave it)" : draft.waits !== null ? "waiting for the kernel…" : "");
    instead.hidden = !instead.textContent;
    setText(send, draft.instead ? "send anew ⏎" : "send ⏎");
  }

  // ---- writing

  function say() {
    const text = box.value.trim();
    if (!text) return;
    model.send({ kind: "say", text, instead: draft.instead });
    Object.assign(draft, { text: "", instead: null, waits: text });
    box.value = "";
    fit();
    waiting();
    panel.scrollTop = panel.scrollHeight;
    box.focus();
  }

  function anew(value) {
    draft.instead = value.key;
    box.value = draft.text = value.text;
    fit();
    waiting();
    box.focus();
  }

  function fit() {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 160)}px`;
  }

  box.addEventListener("input", () => {
    draft.text = box.value;
    fit();
  });
  box.addEventListener("focus", () => (draft.within = true));
  box.addEventListener("blur", () => {
    draft.within = false;
    draft.left = performance.now();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) say();
    else if (event.key === "Escape" && draft.instead) {
      Object.assign(draft, { instead: null, text: "" });
      box.value = "";
      fit();
      waiting();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // ---- acting

  async function stopAll() {
    stop.disabled = true;
    try {
      await ask(model, "", { do: "stop" });
    } catch (failure) {
      fail(failure);
      stop.disabled = false;
    }
  }

  chat.stopCall = async (row) => {
    const server = store.state.server;
    try {
      await act(model, server && `servers/${server}/calls/${row.key}/stop`, { call: row.key });
    } catch (failure) {
      fail(failure);
    }
  };

  function fail(failure) {
    setText(error, `✗ ${failure.message}`);
    error.hidden = false;
  }

  async function copy(text, button) {
    const was = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      setText(button, "✓ copied");
      setText(told, "copied");
    } catch {
      setText(button, "not allowed");
    }
    setTimeout(() => setText(button, was), 1500);
  }

  async function copyText(event) {
    const button = event.currentTarget;
    await markdown((text) => copy(text, button));
  }

  async function exportText() {
    await markdown((text) => {
      const link = h("a", { download: "chat.md", href: URL.createObjectURL(new Blob([text], { type: "text/markdown" })) });
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }

  async function markdown(use) {
    try {
      await use((await ask(model, "", { do: "export" })).markdown);
    } catch (failure) {
      fail(failure);
    }
  }

  el.replaceChildren(section);
  box.value = draft.text;
  draw(store.state, undefined);
  const place = () => (panel.scrollTop = draft.top ?? panel.scrollHeight);
  place();
  panel.addEventListener("scroll", () => {
    const end = panel.scrollHeight - panel.scrollTop - panel.clientHeight < 24;
    draft.top = end ? null : panel.scrollTop;
  });
  requestAnimationFrame(() => {
    fit();
    place();
    // The output was redrawn while a person was writing: go on where it was.
    if (draft.within || performance.now() - draft.left < 400) box.focus({ preventScroll: true });
  });
  store.watch((state, change) => draw(state, change), signal);
  ticking(() => {
    tickRows(chat);
  }, signal);
}

export default {
  initialize({ model }) {
    storeOf(model, mergeRun);
  },
  render({ model, el }) {
    const gone = new AbortController();
    chatPanel(model, storeOf(model, mergeRun), el, gone.signal);
    ready(model);
    return () => gone.abort();
  },
};
