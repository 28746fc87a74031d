// What we have shown stays readable in a saved notebook.
//
// An output that is still live when its notebook is saved (a chat, a memory, a run that went on in the
// background) holds a widget and the same as HTML. JupyterLab prefers the widget, also when nothing is left of
// it, and then shows an error. Here the HTML takes that error's place; the notebook itself is not changed.

const WIDGET = "application/vnd.jupyter.widget-view+json";
const HTML = "text/html";
const EVERY = 1_000; // milliseconds between two looks at a notebook which has such outputs

/** Keep every notebook of the page readable. */
export const keepReadable = (notebooks) => {
  notebooks.forEach((panel) => void watch(panel));
  notebooks.widgetAdded.connect((_, panel) => void watch(panel));
};

const watch = async (panel) => {
  await panel.context.ready;
  if (panel.isDisposed || !hasOurs(panel.content.model)) return;
  const timer = setInterval(() => {
    if (panel.isDisposed) clearInterval(timer);
    else if (panel.isVisible && !document.hidden) mend(panel);
  }, EVERY);
};

const ours = ({ data }) => WIDGET in data && [data[HTML] ?? ""].flat().join("").includes('class="nba ');

const hasOurs = (model) =>
  [...(model?.cells ?? [])].some((cell) => {
    const outputs = cell.type === "code" ? cell.outputs : null;
    return outputs && Array.from({ length: outputs.length }, (_, place) => outputs.get(place)).some(ours);
  });

const mend = (panel) => {
  const connected = panel.sessionContext.session?.kernel;
  for (const cell of panel.content.widgets) {
    const area = cell.outputArea;
    (area?.widgets ?? []).forEach((output, place) => {
      const model = area.model.get(place);
      const view = [...output.children()].find((child) => child.hasClass("jp-OutputArea-output"));
      if (view && model && ours(model) && isGone(view, connected)) void show(view, model, panel.content.rendermime);
    });
  }
};

/** Whether nothing but a message of the widgets' is shown: it failed, or waits for a kernel that nobody started. */
const isGone = (view, connected) => {
  const text = view.node.textContent;
  return text.startsWith("Error displaying widget") || (!connected && text === "Loading widget...");
};

const show = async (view, model, rendermime) => {
  const html = rendermime.createRenderer(HTML);
  await html.renderModel(model);
  if (view.isDisposed) return;
  view.node.textContent = "";
  view.removeClass("jupyter-widgets");
  view.addWidget(html);
};
