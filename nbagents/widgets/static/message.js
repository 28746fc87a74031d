// One message: a row as in a run, which grows until it has arrived.

function messageCard(model, store, el, signal) {
  const card = { store, rows: new Map() };
  const told = h("p", { class: "nba-vh", role: "status" });
  const log = h("div", { class: "nba-log" });
  const section = frame("nba-message", "message", log, told);

  card.stopCall = async (row) => {
    const server = store.state.server;
    try {
      await act(model, server && `servers/${server}/calls/${row.key}/stop`, { call: row.key });
    } catch (error) {
      setText(told, `it could not be stopped: ${error.message}`);
    }
  };

  function draw(state) {
    if (state.frozen !== undefined) {
      showFrozen(el, state);
      return;
    }
    const [value] = state.rows ?? [];
    if (!value) return;
    Object.assign(value, { place: 1, count: 1 });
    let row = card.rows.get(value.key);
    if (!row) {
      card.rows.clear();
      row = cardRow(card, value.key);
      card.rows.set(value.key, row);
    }
    row.draw(value);
    if (row.node.parentNode !== log) log.replaceChildren(row.node);
    section.setAttribute("aria-label", `message from ${value.agent}`);
  }

  el.replaceChildren(section);
  draw(store.state);
  store.watch((state) => draw(state), signal);
  ticking(() => tickRows(card), signal);
}

const MERGE = (state, message) => ({ ...state, rows: message.rows });

export default {
  initialize({ model }) {
    storeOf(model, MERGE);
  },
  render({ model, el }) {
    const gone = new AbortController();
    messageCard(model, storeOf(model, MERGE), el, gone.signal);
    ready(model);
    return () => gone.abort();
  },
};
