// The swimlanes of a run: a table whose bars grow in the page. Drawn from values; no word of it is markup.

const LANES_IDLE = new Set(["queued", "wait", "waiting", "waits"]);

// Return { node, draw }: `draw(lanes, now, running)` shows who was busy when, until `now` seconds.
function laneChart() {
  const caption = h("figcaption");
  const end = h("span", { class: "nba-end" });
  const body = h("tbody");
  const node = h(
    "figure",
    { class: "nba-lanes" },
    caption,
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, h("span", { class: "nba-vh", text: "agent" })),
          h("th", { scope: "col", class: "nba-axis nba-plot" }, "0 s ", end),
          h("th", { scope: "col", class: "nba-when" }, h("span", { class: "nba-vh", text: "from and to" })),
        ),
      ),
      body,
    ),
  );
  const rows = new Map();

  function rowOf(lane) {
    let row = rows.get(lane.agent);
    if (!row) {
      const track = h("span", { class: "nba-track", "aria-hidden": "true" });
      const when = h("td", { class: "nba-when" });
      const line = h(
        "tr",
        { class: lane.color },
        h("th", { scope: "row", dir: "auto", text: lane.agent }),
        h("td", { class: "nba-plot" }, track),
        when,
      );
      row = { track, when, line, bars: [] };
      rows.set(lane.agent, row);
      body.append(line);
    }
    return row;
  }

  function draw(lanes, now, running) {
    const scale = Math.max(now, 0.001, ...lanes.flatMap((lane) => lane.spans.map((span) => span[1] ?? 0)));
    let work = 0;
    for (const lane of lanes) {
      const row = rowOf(lane);
      while (row.bars.length > lane.spans.length) row.bars.pop().remove();
      lane.spans.forEach(([from, to, kind, look], place) => {
        const until = to ?? now;
        if (!LANES_IDLE.has(kind)) work += until - from;
        if (!row.bars[place]) {
          row.bars[place] = h("span");
          row.track.append(row.bars[place]);
        }
        const bar = row.bars[place];
        const wanted = `nba-bar ${look}`.trim();
        if (bar.className !== wanted) bar.className = wanted;
        const left = Math.min((100 * from) / scale, 100);
        bar.style.left = `${left}%`;
        bar.style.width = `${Math.min((100 * (until - from)) / scale, 100 - left)}%`;
      });
      setText(row.when, laneWords(lane.spans, now).replace(/(\d) (?=(s|min|h)\b)/g, "$1\u00a0")); // no unit goes astray
    }
    setText(end, seconds(scale));
    const ratio = work / scale;
    const parallel = lanes.length > 1 && ratio >= 1.05 ? ` · ${ratio.toFixed(1)}× parallel` : "";
    setText(caption, `${running ? "so far" : "wall"} ${seconds(scale)} · work ${seconds(work)}${parallel}`);
  }

  return { node, draw };
}

function laneWords(spans, now) {
  if (!spans.length) return "–";
  const last = spans[spans.length - 1];
  const busy = spans.filter((span) => !LANES_IDLE.has(span[2]));
  if (!busy.length) return last[1] === null ? `waits ${seconds(now - spans[0][0])}` : "–";
  const until = busy[busy.length - 1][1];
  if (until === null) return `at work since ${busy[0][0].toFixed(1)} s`;
  const words = `${busy[0][0].toFixed(1)}–${until.toFixed(1)} s`;
  if (last[2] === "stopped") return `${words} (stopped)`;
  return last[1] === null ? `${words}, waits` : words;
}
