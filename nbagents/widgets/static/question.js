// A question to a person: a form with a clock. Enter sends, Escape skips; nothing takes the focus by itself.

// ---- the fields

// One value that is asked for by name; `value()` is what was filled in, `complain` says what is wrong with it.
function askedField(field, id) {
  const label = field.title || field.name;
  const wrong = h("p", { class: "nba-wrong", id: `${id}-wrong` });
  const about = {
    id,
    "aria-describedby": `${id}-wrong`,
    "aria-required": String(field.required && field.default === null),
  };
  const start = field.default ?? "";
  let input;
  if (field.enum || field.type === "boolean") {
    const names = field.enum ?? ["yes", "no"];
    const chosen = field.type === "boolean" && field.default !== null ? (field.default ? "yes" : "no") : String(start);
    input = h("select", about, ...(chosen === "" ? [""] : []).concat(names.map(String)).map((name) =>
      h("option", { value: name, text: name === "" ? "choose…" : name, selected: name === chosen }),
    ));
  } else {
    const number = field.type === "integer" || field.type === "number";
    input = h("input", {
      ...about,
      type: "text",
      inputmode: number ? (field.type === "integer" ? "numeric" : "decimal") : null,
      autocomplete: "off",
      placeholder: field.type === "json" ? "JSON" : null,
    });
    input.value = field.type === "json" && field.default !== null ? JSON.stringify(field.default) : String(start);
  }
  const node = h(
    "div",
    { class: "nba-field" },
    h("label", { for: id }, label, field.required || field.default !== null ? null : h("span", { class: "nba-optional", text: " optional" })),
    input,
    wrong,
  );
  return {
    node,
    input,
    name: field.name,
    value: () => input.value,
    complain(text) {
      setText(wrong, text);
      input.setAttribute("aria-invalid", String(Boolean(text)));
    },
  };
}

function askedClock(value) {
  const whole = Math.max(Math.ceil(value), 0);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// ---- the card

function questionCard(model, store, el, signal) {
  const asked = store.state;
  if (asked.frozen !== undefined) {
    showFrozen(el, asked);
    return;
  }
  const id = `nba-${asked.id}`;
  const left = () => (asked.until === null || asked.until === undefined ? null : asked.until - store.now());
  let sending = false;
  let focused = null;
  let refusals = asked.refused?.n ?? 0;

  const clock = h("span", { class: "nba-meta nba-clock" });
  const fields = (asked.fields ?? []).map((field, place) => askedField(field, `${id}-f${place}`));
  if (asked.wants_url) {
    const url = { name: "url", title: "address or file", type: "string", required: false, default: null };
    fields.push(askedField(url, `${id}-url`));
  }
  const allows = asked.approval ? allowing(asked, id, send) : null;
  const needsText = !(asked.fields ?? []).length;
  const box = h("textarea", {
    id: `${id}-text`,
    rows: "1",
    "aria-label": "your answer",
    placeholder: (asked.choices ?? []).length ? "or type…" : needsText ? "your answer" : "a remark, if you like",
    on: { input: fit },
  });
  const choices = (asked.choices ?? []).map((choice) =>
    h("button", { type: "button", class: "nba-choice", text: choice, on: { click: () => send({ text: choice }) } }),
  );
  const go = h("button", { type: "submit", class: "nba-send", text: "send ⏎" });
  const skip = h("button", {
    type: "button",
    class: "nba-skip",
    text: "skip",
    title: asked.default === null ? "answer nothing (Esc)" : `answer “${asked.default}” (Esc)`,
    on: { click: () => pass() },
  });
  const told = h("p", { class: "nba-wrong nba-said", role: "status" });
  const form = h(
    "form",
    {
      class: "nba-form",
      "aria-label": allows ? "your decision" : "your answer",
      on: { submit: (event) => (event.preventDefault(), allows ? allows.enter() : submit()) },
    },
    ...(allows?.nodes ?? []),
    choices.length ? h("div", { class: "nba-choices", role: "group", "aria-label": "answers to pick from" }, ...choices) : null,
    ...fields.map((field) => field.node),
    allows ? null : h("div", { class: "nba-line" }, box, h("span", { class: "nba-keys" }, go, skip)),
    told,
  );
  // Read out once, and only what was asked: the clock would be read out each second.
  const aloud = h("p", { class: "nba-vh", role: "alert" });
  const section = frame(
    `nba-asks ${asked.classes ?? "nba-cn"}`,
    `question of ${asked.agent}`,
    h(
      "div",
      { class: "nba-row" },
      h(
        "header",
        { class: "nba-who" },
        h("span", { class: "nba-flag", "aria-hidden": "true", text: "⚑" }),
        h("span", {}, h("b", { class: "nba-name", dir: "auto", text: asked.agent }), " ",
          h("span", { class: "nba-human", text: whatIsAsked(asked) })),
        clock,
      ),
      asked.context ? h("blockquote", { class: "nba-context", dir: "auto", text: asked.context }) : null,
      asked.words && !allows ? h("p", { class: "nba-words", dir: "auto", text: asked.words }) : null,
      form,
    ),
    aloud,
  );
  section.tabIndex = -1;

  function fit() {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 200)}px`;
  }

  function tick() {
    const rest = left();
    if (allows && rest !== null) setText(clock, `denied in ${askedClock(rest)}`);
    else if (rest === null) setText(clock, asked.default === null ? "waiting for you" : `without you: “${brief(asked.default)}”`);
    else if (asked.default === null) setText(clock, `ends in ${askedClock(rest)}`);
    else setText(clock, `answers “${brief(asked.default)}” in ${askedClock(rest)}`);
    clock.classList.toggle("nba-late", rest !== null && rest < 10);
  }

  const brief = (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text);

  function busy(on, words) {
    sending = on;
    for (const control of form.elements) control.disabled = on;
    if (words !== undefined) setText(told, words);
  }

  // Escape: the default answers where there is one, else an empty answer does, if it may be empty.
  function pass() {
    if (asked.default !== null) send({ absent: true });
    else send({ text: "" });
  }

  // Nothing is answered by accident: whoever has nothing to say skips.
  function submit() {
    if (needsText && !box.value.trim() && !fields.some((field) => field.value())) {
      setText(told, choices.length ? "pick an answer, write one, or skip" : "write an answer, or skip");
      box.focus();
    } else send({});
  }

  async function send({ text = box.value, absent = false, given = null }) {
    if (sending) return;
    const values = given ?? Object.fromEntries(fields.map((field) => [field.name, field.value()]));
    const body = absent ? { text: null, fields: {}, absent: true } : { text: text.trim(), fields: values, absent: false };
    for (const field of fields) field.complain("");
    focused = section.contains(document.activeElement) ? document.activeElement : null;
    if (focused) section.focus({ preventScroll: true }); // what is disabled loses the keyboard
    busy(true, "");
    const before = refusals;
    try {
      await deliver(body);
      if (refusals === before) busy(true, "sent"); // the kernel may have refused it before this was told
    } catch (error) {
      refuse(error);
    }
  }

  function refuse(error) {
    busy(false, "");
    complain(error);
    if (document.activeElement === section) (fields.find(hasWrong)?.input ?? focused)?.focus();
  }

  const hasWrong = (field) => field.input.getAttribute("aria-invalid") === "true";

  // Through the jupyter-server, which hears it however busy the kernel is; else through the kernel. While the
  // server is still starting both are tried: the first answer counts.
  async function deliver(body) {
    if (store.state.server) {
      if (await reachable()) {
        try {
          return await byServer(body);
        } catch (error) {
          if (isFinal(error)) throw error; // else it may not know this question: the kernel may
        }
      }
      return ask(model, "", body);
    }
    return new Promise((resolve, reject) => {
      let ways = 2;
      const failed = (error) => {
        ways -= 1;
        if (isFinal(error) || !ways) reject(error);
      };
      ask(model, "", body).then(resolve, failed);
      serverKnown().then(() => byServer(body)).then(resolve, failed);
    });
  }

  const isFinal = (error) => error.type === "AnswerRefusedError" || error.type === "Over";

  async function byServer(body) {
    if (!(await reachable())) throw new Error("this page reaches no server");
    const answer = await post(`servers/${store.state.server}/questions/${asked.id}/answer`, body);
    if (answer?.answered === false) {
      throw Object.assign(new Error("it is over: it was answered already, or its time is up"), { type: "Over" });
    }
  }

  function serverKnown() {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no server takes the answer")), ACT_MS);
      store.watch((state) => {
        if (!state.server) return;
        clearTimeout(timer);
        resolve();
      }, signal);
    });
  }

  function complain(error) {
    const rest = [];
    for (const line of error.message.split("\n")) {
      const cut = line.indexOf(": ");
      const field = cut > 0 && fields.find((one) => one.name === line.slice(0, cut));
      if (field) field.complain(line.slice(cut + 2));
      else rest.push(line);
    }
    setText(told, rest.join(" "));
  }

  section.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (allows) {
      if (event.key === "Escape" && allows.back()) event.preventDefault();
      if (event.target.matches("input, textarea")) event.stopPropagation(); // what is typed is no command of the page
      return;
    }
    if (event.key === "Escape") pass();
    else if (event.key === "Enter" && event.target.matches("input, textarea") && !event.shiftKey) submit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  store.watch((state) => {
    if (state.frozen !== undefined) {
      showFrozen(el, state);
    } else if (state.refused && state.refused.n !== refusals) {
      refusals = state.refused.n;
      refuse(new Error(state.refused.text));
    }
    if (state.note && !sending) setText(told, state.note);
    if (state.frozen === undefined) report();
  }, signal);
  // Whoever asks learns that somebody sees this, also where the kernel is too busy to hear it.
  async function report() {
    if (nbaReported.has(asked.id) || !store.state.server || !(await reachable())) return;
    nbaReported.add(asked.id);
    post(`servers/${store.state.server}/questions/${asked.id}/shown`).catch(() => nbaReported.delete(asked.id));
  }

  el.replaceChildren(section);
  report();
  bringIntoView(section);
  setTimeout(() => bringIntoView(section), 400); // the card above it may have grown
  tick();
  ticking(tick, signal, 250);
  if (!nbaAloud.has(asked.id)) {
    nbaAloud.add(asked.id);
    setTimeout(() => {
      aloud.textContent = `${asked.agent} asks you${asked.words ? `: ${asked.words}` : " for an answer"}`;
    }, 100);
  }
}

// ---- a tool that is to be allowed

const whatIsAsked = (asked) =>
  asked.approval ? `wants to run ${asked.approval.tool}` : asked.kind === "turn" ? "is you: your turn" : "asks you";

// The call in full, and the buttons. What came from a model is text here, and nothing of it is hidden.
function allowing(asked, id, send) {
  const approval = asked.approval;
  const since = performance.now();
  const say = (text, given = {}) => {
    // Whoever was about to click something else has not seen what is asked.
    if (performance.now() - since > 400) send({ text, given: { binding: approval.binding, ...given } });
  };
  const button = (text, title, click, more = "") =>
    h("button", { type: "button", class: `nba-choice ${more}`, text, title, on: { click } });
  const given = h(
    "div",
    { class: "nba-given", role: "region", "aria-label": "what it is called with", tabindex: "0" },
    h("dl", {}, ...(approval.shown ?? []).flatMap(([name, value]) =>
      [h("dt", { dir: "ltr", text: name }), h("dd", { dir: "ltr", text: value })])),
  );
  const fixed = approval.fixed?.length ? h(
    "div",
    { class: "nba-given nba-fixed", role: "region", "aria-label": "what it is given each time", tabindex: "0" },
    h("dl", {}, ...approval.fixed.flatMap(([name, value]) =>
      [h("dt", { dir: "ltr", text: name }), h("dd", { dir: "ltr", text: value })])),
  ) : null;
  const draft = h("textarea", {
    class: "nba-draft", rows: String(Math.min(approval.arguments.split("\n").length + 1, 12)),
    "aria-label": "its arguments, as JSON", spellcheck: "false", autocomplete: "off",
  });
  draft.value = approval.arguments;
  const reason = h("input", { type: "text", class: "nba-reason", "aria-label": "why not", placeholder: "why not? The agent reads this", autocomplete: "off" });
  const first = h("div", { class: "nba-choices", role: "group", "aria-label": "whether it may run" },
    button("Approve", "run this call", () => say("approve"), "nba-send"),
    approval.grants ? button(`Approve all ${approval.tool}`, `run this call, and what ${asked.agent} calls of ${approval.tool} later in this run`, () => say("approve all")) : null,
    button("Edit args", "change what it is called with", () => show("edit")),
    button("Deny…", "do not run it", () => show("deny")),
  );
  const edit = h("div", { class: "nba-step", hidden: true }, draft, h("div", { class: "nba-choices" },
    button("Approve these", "run the call with these arguments", () => say("approve", { arguments: draft.value }), "nba-send"),
    button("back", "leave them as they were", () => back()),
  ));
  const deny = h("div", { class: "nba-step", hidden: true }, reason, h("div", { class: "nba-choices" },
    button("Deny", "do not run it", () => say("deny", { reason: reason.value }), "nba-send"),
    button("back", "think about it again", () => back()),
  ));
  let at = "first";

  function show(step) {
    at = step;
    for (const [name, node] of Object.entries({ first, edit, deny })) node.hidden = name !== step;
    given.hidden = step === "edit";
    ({ edit: draft, deny: reason, first: first.querySelector("button") })[step].focus({ preventScroll: true });
  }

  function back() {
    if (at === "first") return false;
    draft.value = approval.arguments;
    show("first");
    return true;
  }

  const effects = (approval.effects ?? []).join(", ");
  return {
    nodes: [
      effects ? h("p", { class: "nba-does", text: `it may ${effects}` }) : null,
      approval.note ? h("p", { class: "nba-note", text: approval.note }) : null,
      approval.shown?.length ? given : h("p", { class: "nba-does", text: "without arguments" }),
      fixed,
      first,
      edit,
      deny,
    ],
    back,
    enter: () => at === "deny" && say("deny", { reason: reason.value }),
  };
}

// A question below the edge of a cell that somebody watches is moved into sight; nothing else moves the page.
function bringIntoView(section) {
  requestAnimationFrame(() => {
    const cell = section.closest(".jp-Cell")?.getBoundingClientRect();
    const typing = document.activeElement?.matches?.("input, textarea, [contenteditable=true]");
    if (!cell || typing || cell.bottom < 0 || cell.top > innerHeight) return;
    section.scrollIntoView({ block: "nearest" });
  });
}

const nbaAloud = new Set();
const nbaReported = new Set();

const askedWhole = (state) => state;

export default {
  initialize({ model }) {
    storeOf(model, askedWhole);
  },
  render({ model, el }) {
    const gone = new AbortController();
    questionCard(model, storeOf(model, askedWhole), el, gone.signal);
    ready(model);
    return () => gone.abort();
  },
};
