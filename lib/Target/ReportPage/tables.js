// What is best read line by line: decisions, layers, inputs and outputs, times of the compilation.

function makeDecisionSection() {
  if (!decisions.length) return null;
  const kinds = new Map(),
    same = new Map(),
    linked = 3;
  const kindOf = (decision) => `${decision.about}: ${decision.outcome}`;
  decisions.forEach((decision) => {
    kinds.set(kindOf(decision), (kinds.get(kindOf(decision)) || 0) + 1);
    const key = `${kindOf(decision)}\n${decision.text}`;
    same.set(key, [...(same.get(key) || []), decision]);
  });
  const link = (decision) => (decision.concerned.length ? layerLink(decision.concerned[0]) : show(decision.layer));
  const list = (alike) => alike.flatMap((decision, i) => [i ? ", " : "", link(decision)]);
  const name = (alike) => {
    const cell = html("td", { class: "name" }, list(alike.slice(0, linked)));
    if (alike.length > linked)
      cell.append(html("br"), html("button", { click: () => cell.replaceChildren(...list(alike)) },
        `all ${group(alike.length)}`));
    return cell;
  };
  const body = html("tbody", {}, [...same.values()].map((alike) => html("tr", { "data-kind": kindOf(alike[0]) },
    html("td", {}, outcomeChip(alike[0])), html("td", {}, alike[0].about), name(alike), html("td", {}, show(alike[
      0].text)))));
  const filters = [...kinds].map(([kind, count]) => html("button", {
    click: (event) => {
      const isOn = event.currentTarget.classList.toggle("on");
      filters.forEach((other) => other !== event.currentTarget && other.classList.remove("on"));
      [...body.rows].forEach((row) => (row.hidden = isOn && row.dataset.kind !== kind));
    }
  }, `${kind} (${group(count)})`));
  const left = layers.filter((layer) => layer.operation === "transpose").length;
  const fused = layers.filter(isFused).length;
  const scalar = decisions.filter((decision) => decision.about === "vectors" && decision.outcome === "not done");
  return html("section", { id: "decisions" }, html("h2", {}, "Decisions"), html("p", { class: "note" },
      `${plural(fused, "layer")} fused into the kernels before them; ${plural(left, "transpose")} left; ` +
      `${plural(scalar.length, "loop")} not, or not wholly, computed with vectors.`),
    html("div", { class: "tools" }, filters),
    html("div", { class: "table" }, html("table", {}, html("thead", {}, html("tr", {}, ["", "about", "layer",
        "what, and why"
      ]
      .map((name) => html("th", {}, name)))), body)));
}

/** A table whose heads sort it; columns are [name, value to sort by, text, class of cells]. */
function makeTable(rows, columns, onRow) {
  const body = html("tbody", {});
  const fill = (sorted) => body.replaceChildren(...sorted.map((row) => {
    const drawn = html("tr", { "data-row": row.index, click: () => onRow(row) }, columns.map(([, , text, kind]) =>
      html("td", { class: kind }, text(row))));
    return drawn;
  }));
  fill(rows);
  let sortedBy = null,
    direction = 1;
  const heads = columns.map(([name, value, , kind]) => html("th", {
    class: `sort ${kind || ""}`,
    click: () => {
      direction = sortedBy === name ? -direction : kind === "n" ? -1 : 1;
      sortedBy = name;
      const key = (row) => value(row) ?? -Infinity;
      fill([...rows].sort((a, b) => (key(a) < key(b) ? -direction : key(a) > key(b) ? direction : a.index - b
        .index)));
    }
  }, name));
  return html("div", { class: "table" }, html("table", {}, html("thead", {}, html("tr", {}, heads)), body));
}

function makeLayerSection() {
  const of = (key) => (layer) => ownUnit(layer)?.[key];
  const columns = [
    ["#", (layer) => layer.index, (layer) => String(layer.index), "n"],
    ["layer", (layer) => layer.name, (layer) => show(layer.name), "name"],
    ["operation", (layer) => layer.operation, (layer) => layer.operation],
    ["inputs", (layer) => layer.inputs, (layer) => layer.inputs, "shape"],
    ["outputs", (layer) => layer.outputs, (layer) => layer.outputs, "shape"],
    ["kernel", (layer) => layer.units[0]?.kinds[0] || "", (layer) => (isFused(layer) ?
      `in ${shorten(layer.units[0].label, 24)}` :
      ownUnit(layer)?.kinds.join(", ") || "\u2013")],
    ["multiply-adds", (layer) => layer.macs, (layer) => (layer.macs === undefined ? "\u2013" : metric(layer.macs)),
      "n"
    ],
    ["operations", of("flops"), (layer) => metric(ownUnit(layer)?.flops), "n"],
    ["bytes moved", of("bytes"), (layer) => bytes(ownUnit(layer)?.bytes), "n"],
    ["op/byte", of("intensity"), (layer) => ownUnit(layer)?.intensity?.toPrecision(3) ?? "\u2013", "n"],
    ["bound by", of("bound"), (layer) => ownUnit(layer)?.bound || "\u2013"],
    ["share", (layer) => shareOf(layer), (layer) => (ownUnit(layer) ? percent(shareOf(layer)) : "\u2013"), "n"],
  ];
  if (hasTimes)
    columns.push(["measured", of("measured"), (layer) => (ownUnit(layer)?.measured === undefined ? "\u2013" :
        milliseconds(ownUnit(layer).measured)), "n"],
      ["of roofline", of("roof"), (layer) => (ownUnit(layer)?.roof === undefined ? "\u2013" : percent(ownUnit(layer)
        .roof)), "n"]);
  const table = makeTable(layers, columns, choose);
  listeners.push((layer) => table.querySelectorAll("tr.chosen, tr[data-row='" + layer.index + "']").forEach((row) =>
    row.classList.toggle("chosen", row.dataset.row === String(layer.index))));
  return html("section", { id: "layers" }, html("h2", {}, "Layers"), html("p", { class: "note" },
    "A kernel's costs stand at its first layer. Heads sort; a line shows its layer in the graph."), table);
}

function makeInterfaceSection() {
  const row = (role, tensor) => html("tr", {}, html("td", {}, role), html("td", { class: "name" }, show(tensor.name)),
    html("td", {}, tensor.type), html("td", {}, tensor.shape.map((extent) => show(extent)).join(" \u00d7 ") ||
      "scalar"),
    html("td", { class: "n" }, group(tensor.bytes)));
  return html("section", { id: "interface" }, html("h2", {}, "Inputs and outputs"), html("div", { class: "table" },
    html("table", {},
      html("thead", {}, html("tr", {}, ["", "name", "type", "shape"].map((name) => html("th", {}, name)), html(
      "th", { class: "n" }, "bytes"))),
      html("tbody", {}, report.inputs.map((tensor) => row("input", tensor)), report.outputs.map((tensor) => row(
        "output", tensor))))));
}

function makeCompilationSection() {
  const longest = Math.max(1e-9, ...report.stages.map((stage) => stage.seconds));
  return html("section", { id: "compilation" }, html("h2", {}, "Compilation"), html("p", { class: "note" },
    `${report.stages.reduce((sum, stage) => sum + stage.seconds, 0).toPrecision(3)} seconds.`), html("table", {},
    html("tbody", {},
      report.stages.map((stage) => html("tr", {}, html("td", {}, stage.stage), html("td", { class: "n" },
          `${stage.seconds.toFixed(3)} s`),
        html("td", { style: "width:70%" }, html("div", { class: "meter" }, html(
        "div", { style: `width:${(100 * stage.seconds / longest).toFixed(1)}%;background:var(--accent)` }))))))));
}