// What every live output shares: reaching the server behind the page, following a state, small DOM builders.
// It is put before a widget's own module text, so nothing here is exported. It knows no widget.

// ---- the server behind the page

const nbaPage = (() => {
  try {
    return JSON.parse(document.getElementById("jupyter-config-data").textContent);
  } catch {
    return {};
  }
})();

function nbaAddress(path) {
  const base = new URL(nbaPage.baseUrl ?? "/", location.href);
  return new URL(`nbagents/api/${path}`, base.href.endsWith("/") ? base : `${base.href}/`).href;
}

function nbaHeaders() {
  const headers = { "Content-Type": "application/json" };
  const cookie = document.cookie.match(/(?:^|; *)_xsrf=([^;]*)/);
  if (cookie) headers["X-XSRFToken"] = decodeURIComponent(cookie[1]);
  if (nbaPage.token) headers.Authorization = `token ${nbaPage.token}`;
  return headers;
}

// Is this page served by a jupyter-server that runs the extension? Asked once for all outputs.
function reachable() {
  window.nbagentsFound ??= nbaPage.baseUrl
    ? fetch(nbaAddress("tutorials"), { headers: nbaHeaders(), credentials: "same-origin" })
        .then((answer) => answer.ok && /json/.test(answer.headers.get("Content-Type") ?? ""))
        .catch(() => false)
    : Promise.resolve(false);
  return window.nbagentsFound;
}

// Post to the extension; the promise holds what it answers, or fails with its error.
async function post(path, body = {}) {
  const answer = await fetch(nbaAddress(path), {
    method: "POST",
    headers: nbaHeaders(),
    credentials: "same-origin",
    body: JSON.stringify(body),
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const error = new Error(told?.error?.message ?? `HTTP ${answer.status}`);
    throw Object.assign(error, { type: told?.error?.type ?? "", hint: told?.error?.hint ?? "" });
  }
  return told;
}

// ---- the kernel behind the widget

const ACT_MS = 5000;
let nbaActs = 0;

// Ask the kernel's side of a widget to act; it may be too busy to answer.
function ask(model, path, body = {}) {
  return new Promise((resolve, reject) => {
    const id = `${Date.now()}-${++nbaActs}`;
    const done = () => {
      clearTimeout(timer);
      model.off("msg:custom", hear);
    };
    const hear = (message) => {
      if (message?.kind !== "acted" || message.id !== id) return;
      done();
      if (message.error) reject(Object.assign(new Error(message.error), { type: message.type ?? "" }));
      else resolve(message.value);
    };
    const timer = setTimeout(() => {
      done();
      reject(new Error("the kernel is busy; it will do this when it is free"));
    }, ACT_MS);
    model.on("msg:custom", hear);
    model.send({ kind: "act", id, path, body });
  });
}

const SOON_MS = 1500;

// A promise that fails where the given one takes longer than a person would wait for.
function soon(promise) {
  return Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error("late")), SOON_MS))]);
}

// Do something through the extension, which needs no kernel, else through the kernel. Where the extension has
// found nothing to do (`stopped` is 0 or false) the kernel is asked too: it may have it.
async function act(model, path, body = {}) {
  if (path && (await reachable())) {
    try {
      const told = await soon(post(path, body));
      if (told?.stopped !== 0 && told?.stopped !== false) return told;
    } catch {
      // It may know nothing of this server or call: the kernel may.
    }
  }
  return ask(model, path, body);
}

// ---- the state

const nbaStores = new WeakMap();
const pageTime = () => Date.now() / 1000;

// The state of a model, kept up to date: `view` replaces it, messages with the next `seq` change it by `merge`.
// A message out of turn is left out: the next `view` has what it said. One store serves all views of a model.
function storeOf(model, merge) {
  let store = nbaStores.get(model);
  if (store) return store;
  const watchers = new Set();
  // How far the page's clock is ahead of the kernel's: at most as far as a state that may be old tells, and
  // exactly as far as a message does that has just been sent.
  let ahead = Math.min(pageTime() - (model.get("view")?.at ?? 0), 0);
  const hear = (at) => {
    if (at) ahead = pageTime() - at;
  };
  store = {
    state: model.get("view") ?? {},
    // Now, in seconds since 1970 by the kernel's clock.
    now: () => pageTime() - ahead,
    // Call `watcher(state, change)` at each change, until the signal; `change` is null if all may have changed.
    watch(watcher, signal) {
      watchers.add(watcher);
      signal?.addEventListener("abort", () => watchers.delete(watcher));
    },
  };
  const tell = (change) => {
    for (const watcher of [...watchers]) {
      try {
        watcher(store.state, change);
      } catch (error) {
        console.error("nbagents: an output could not be redrawn", error);
      }
    }
  };
  model.on("change:view", () => {
    store.state = model.get("view") ?? {};
    hear(store.state.at);
    tell(null);
  });
  model.on("msg:custom", (message) => {
    hear(message?.at);
    if (message?.kind !== "delta" || message.seq !== (store.state.seq ?? 0) + 1) return;
    store.state = merge(store.state, message);
    store.state.seq = message.seq;
    tell(message);
  });
  nbaStores.set(model, store);
  return store;
}

// The kernel learns that somebody sees the widget.
function ready(model) {
  model.send({ kind: "ready" });
}

// ---- building

// Make an element. `class`, `text` and `on` (listeners) are what they say, anything else is an attribute;
// text becomes text, never markup.
function h(tag, about = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "text") made.textContent = value;
    else if (name === "on") {
      for (const [kind, listener] of Object.entries(value)) made.addEventListener(kind, listener);
    } else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Change what an element says, if it says something else.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Parse HTML that Python has sanitized; nothing else may come here.
function fromPython(html) {
  const template = document.createElement("template");
  template.innerHTML = html ?? "";
  return template.content;
}

// Show HTML that Python has sanitized in an element, where it is not what stands there.
function swapHtml(node, html) {
  if (node.nbaHtml === html) return;
  node.nbaHtml = html;
  node.replaceChildren(fromPython(html));
}

// Let the page show the formulas of a text that will not change, once it is there; what still grows is left
// alone. Our Lab extension has the page's typesetter; elsewhere they stay as they were typed.
function showFormulas(nodes) {
  const found = nodes.filter((node) => /\$|\\[([]/.test(node?.textContent ?? ""));
  if (!found.length) return;
  requestAnimationFrame(() => {
    for (const node of found) node.dispatchEvent(new CustomEvent("nbagents:formulas", { bubbles: true }));
  });
}

// The frame of a live output: the theme's colours, and no key that is pressed inside reaches the notebook.
function frame(classes, label, ...children) {
  const own = (node) => node.setAttribute("data-lm-suppress-shortcuts", "true");
  const section = h(
    "section",
    {
      class: `nba nba-live ${classes} mathjax_ignore`,
      "aria-label": label,
      // The notebook's shortcuts look at what has the focus itself, before they look around it.
      on: { focusin: (event) => own(event.target) },
    },
    ...children,
  );
  own(section);
  return section;
}

// Give the keyboard to what holds an output and can be focused: the cell, in a notebook.
function leave(el) {
  const around = el.closest("[tabindex]") ?? el.parentElement?.closest("[tabindex]");
  if (around) around.focus({ preventScroll: true });
  else document.activeElement?.blur();
}

// Show the finished form of a live output. Where the notebook shows it by itself this view is gone at once. Where
// it does not, since the page was loaded anew, whoever can change the notebook is told what it should hold.
function showFrozen(el, state) {
  if (el.contains(document.activeElement)) leave(el);
  el.replaceChildren(fromPython(state.frozen));
  const detail = { model: state.model, html: state.frozen, text: state.text };
  const tell = (left) => {
    if (!el.isConnected || !left) return;
    el.dispatchEvent(new CustomEvent("nbagents:frozen", { bubbles: true, detail }));
    setTimeout(tell, 2000, left - 1);
  };
  setTimeout(tell, 2000, 5);
}

// Write a duration as the frozen form does.
function seconds(value) {
  if (value < 59.95) return `${Math.max(value, 0).toFixed(1)} s`;
  const whole = Math.round(value);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

// How long something has taken by now: it goes on in the page, whatever the kernel does.
function taken(store, { began, elapsed }) {
  return began === null || began === undefined ? elapsed : store.now() - began;
}

// Call `tick` some times a second while the element is in the page and the page is seen.
function ticking(tick, signal, milliseconds = 200) {
  const timer = setInterval(() => {
    if (!document.hidden) tick();
  }, milliseconds);
  signal?.addEventListener("abort", () => clearInterval(timer));
}
