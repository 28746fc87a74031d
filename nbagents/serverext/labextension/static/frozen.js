// Puts the finished form of a live output into its notebook, where the notebook did not hear of it: a page
// that was loaded anew in mid-run shows the widget again, but is not told what the cell shows at the end.

const VIEW = "application/vnd.jupyter.widget-view+json";

/** Listen to outputs that say that they are finished. */
export const keepFrozen = (app) => {
  document.addEventListener("nbagents:frozen", (event) => {
    const { model, html, text } = event.detail ?? {};
    if (typeof model !== "string" || typeof html !== "string" || typeof text !== "string") return;
    for (const panel of app.shell.widgets("main")) {
      for (const outputs of outputsOf(panel)) replace(outputs, model, { "text/html": html, "text/plain": text });
    }
  });
};

const outputsOf = (panel) => [...(panel.content?.model?.cells ?? [])].map((cell) => cell.outputs).filter(Boolean);

const replace = (outputs, model, data) => {
  for (let place = 0; place < outputs.length; place++) {
    if (outputs.get(place).data?.[VIEW]?.model_id !== model) continue;
    outputs.set(place, { output_type: "display_data", data, metadata: {} });
  }
};
