// The network as a graph, and what is known of the layer that was chosen in it.

const tip = html("div", { class: "tip" });
/** Shows `text()` beside the pointer while it is over the element. */
const hover = (text) => ({
  mousemove: (event) => {
    tip.textContent = text();
    tip.style.display = "block";
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8)}px`;
  },
  mouseleave: () => (tip.style.display = "none"),
});
const legend = (...entries) => html("div", { class: "legend" },
  entries.map(([style, text, kind]) => html("span", {}, html("i", { style, class: kind }), text)));

/** Whoever draws layers listens to which one is chosen. */
const listeners = [];
let chosen = null;

function choose(layer, scroll = true) {
  chosen = layer;
  listeners.forEach((listener) => listener(layer, scroll));
}
const layerLink = (layer) => html("a", {
  class: "layer",
  click: () => {
    choose(layer);
    document.getElementById("graph").scrollIntoView({ behavior: "smooth" });
  }
}, show(layer.name), layersByName.get(layer.name).length > 1 ? ` (${layer.operation})` : "");

const nodeWidth = 190,
  nodeHeight = 40,
  endHeight = 26;
/** Whether another layer's kernel computes this one. */
const isFused = (layer) => layer.units.length > 0 && !layer.units.some((unit) => unit.heads.includes(layer.index));
/** What the kernels that begin with this layer cost. */
const ownUnit = (layer) => layer.units.find((unit) => unit.main === layer.index);
const costsHeight = 14;

/** What a kernel does, at the layer that stands for it; undefined for other layers, and where that is not known. */
function costsOf(layer) {
  const unit = layer.units.find((known) => known.main === layer.index && known.bytes !== undefined);
  if (!unit) return undefined;
  const reached = unit.roof === undefined ? undefined : percent(unit.roof);
  return [unit.flops ? metric(unit.flops, "FLOP") : undefined, bytes(unit.bytes), reached].filter(Boolean).join(" \u00b7 ");
}
const shareOf = (layer) => layer.units.filter((unit) => unit.main === layer.index).reduce((sum, unit) => sum + unit
  .share, 0);

function summarise(layer) {
  const unit = layer.units[0];
  const lines = [`${show(layer.name)}: ${layer.operation}`, `${layer.inputs || "constants"} \u2192 ${layer.outputs}`];
  if (isFused(layer)) lines.push(`computed by the ${unit.kinds[0]} of ${unit.label}`);
  else if (unit) lines.push(`${metric(unit.flops)} operations, ${bytes(unit.bytes)} moved, ${boundText(unit)}`);
  return lines.join("\n");
}

/** Nodes and edges: inputs, layers, outputs. */
function makeGraph() {
  const end = (label) => ({ label: show(label), width: nodeWidth, height: endHeight, sources: [], targets: [] });
  const inputs = report.inputs.map((tensor) => end(tensor.name));
  const inner = layers.map((layer) => ({ layer, width: nodeWidth, height: nodeHeight + (costsOf(layer) ? costsHeight : 0), sources: [], targets: [] }));
  const outputs = report.outputs.map((tensor) => end(tensor.name));
  const edges = [];
  const join = (from, to) => {
    if (!from || !to) return;
    edges.push({ from, to });
    from.targets.push(to);
    to.sources.push(from);
  };
  layers.forEach((layer, index) => {
    layer.fromInputs.forEach((input) => join(inputs[input], inner[index]));
    layer.from.forEach((source) => join(inner[source], inner[index]));
    layer.toOutputs.forEach((output) => join(inner[index], outputs[output]));
  });
  const isUsed = (node) => node.targets.length || node.sources.length;
  return { nodes: [...inputs.filter(isUsed), ...inner, ...outputs.filter(isUsed)], edges, inner };
}

function drawEdge(edge) {
  let x = edge.from.x,
    y = edge.from.y + edge.from.height,
    path = `M${x.toFixed(1)},${y.toFixed(1)}`;
  for (const place of [...edge.path, edge.to]) {
    const bend = (place.y - y) / 2;
    path += `C${x.toFixed(1)},${(y + bend).toFixed(1)} ${place.x.toFixed(1)},${(place.y - bend).toFixed(1)} ` +
      `${place.x.toFixed(1)},${place.y.toFixed(1)}`;
    x = place.x;
    y = place.y + (place.isDummy ? 0 : place.height);
  }
  const a = edge.from.layer,
    b = edge.to.layer;
  const isInner = a && b && a.units.some((unit) => unit.layers.length > 1 && b.units.includes(unit)) && isFused(b);
  edge.drawn = svg("path", {
    class: `edge${isInner ? " inner" : ""}${edge.isLong ? " long" : ""}`,
    d: path,
    "marker-end": "url(#arrow)"
  });
  return edge.drawn;
}

function drawNode(node) {
  const { layer, width, height } = node;
  const left = node.x - width / 2;
  const place = { transform: `translate(${left.toFixed(1)},${node.y.toFixed(1)})` };
  if (!layer)
    return svg("g", { class: "node end", ...place },
      svg("rect", { class: "box", width, height, rx: 13 }),
      svg("text", { class: "middle", x: width / 2, y: 17, "clip-path": "url(#inside)" }, shorten(node.label, 26)));
  const share = shareOf(layer),
    costs = costsOf(layer),
    kind = layer.units.length ? (isFused(layer) ? "fused" : "") : "free";
  node.drawn = svg("g", {
      class: `node ${kind}`,
      "data-layer": layer.index,
      ...place,
      click: () => choose(layer, false),
      ...hover(() => summarise(layer))
    },
    svg("rect", { class: "box", width, height, rx: 7 }),
    svg("path", { d: `M0,7q0,-7 5,-7v${height}q-5,0 -5,-7z`, fill: colourOf(layer.operation) }),
    svg("text", { x: 13, y: 16, "font-weight": 600 }, shorten(layer.operation, 20)),
    share >= 0.0005 ? svg("text", { class: "soft end", x: width - 8, y: 16 }, percent(share)) : null,
    svg("text", { class: "soft", x: 13, y: 30, "clip-path": "url(#inside)" }, shorten(show(layer.name), 29)),
    costs ? svg("text", { class: "soft costs", x: 13, y: 30 + costsHeight, "clip-path": "url(#inside)" }, costs) : null,
    share ? svg("rect", {
      x: 13,
      y: height - 5,
      height: 2.5,
      width: Math.max(1, (width - 21) * share / largestShare),
      rx: 1,
      fill: colourOf(layer.operation)
    }) : null);
  return node.drawn;
}
const largestShare = layers.reduce((largest, layer) => Math.max(largest, shareOf(layer)), 1e-9);

/** A shape around the layers of a kernel, where nothing else is inside. */
function drawHulls(nodes, inner) {
  const hulls = svg("g", {});
  for (const unit of units) {
    const members = unit.layers.map((index) => inner[index]).filter(Boolean);
    if (members.length < 2) continue;
    const x = Math.min(...members.map((node) => node.x - node.width / 2)) - 7;
    const right = Math.max(...members.map((node) => node.x + node.width / 2)) + 7;
    const y = Math.min(...members.map((node) => node.y)) - 6;
    const bottom = Math.max(...members.map((node) => node.y + node.height)) + 6;
    const overlaps = (node) => node.y + node.height > y && node.y < bottom && node.x + node.width / 2 > x &&
      node.x - node.width / 2 < right;
    if (bottom - y < 1500 && !nodes.some((node) => overlaps(node) && !members.includes(node)))
      hulls.append(svg("rect", { class: "hull", x, y, width: right - x, height: bottom - y, rx: 11 }));
  }
  return hulls;
}

function drawGraph() {
  const { nodes, edges, inner } = makeGraph(), margin = 18;
  const size = layOut(nodes, edges, 22, 26);
  const width = size.width + 2 * margin,
    height = size.height + 2 * margin;
  const picture = svg("svg", { role: "img", "aria-label": "The network as a graph" },
    svg("defs", {}, svg("clipPath", { id: "inside" }, svg("rect", { width: nodeWidth - 6, height: nodeHeight + costsHeight })), svg(
      "marker", {
        id: "arrow",
        viewBox: "0 0 8 8",
        refX: 7,
        refY: 4,
        markerWidth: 8,
        markerHeight: 8,
        markerUnits: "userSpaceOnUse",
        orient: "auto"
      }, svg("path", { d: "M0,0L8,4L0,8z", fill: "var(--faint)" }))),
    svg("g", { transform: `translate(${margin},${margin})` }, drawHulls(nodes, inner),
      svg("g", {}, edges.map(drawEdge)), svg("g", {}, nodes.map(drawNode))));
  picture.setAttribute("viewBox", `0 0 ${width.toFixed(1)} ${height.toFixed(1)}`);
  const scroll = html("div", { class: "scroll", tabindex: 0 }, picture);
  let scale = 1;
  const zoom = (to) => {
    scale = Math.min(2, Math.max(0.05, to));
    picture.setAttribute("width", (width * scale).toFixed(1));
    picture.setAttribute("height", (height * scale).toFixed(1));
  };
  zoom(1);
  listeners.push((layer, isFar) => {
    const node = inner[layer.index];
    inner.forEach((other) => other.drawn.classList.toggle("chosen", other === node));
    edges.forEach((edge) => edge.drawn.classList.toggle("chosen", edge.from === node || edge.to === node));
    if (!isFar) return;
    scroll.scrollTo({
      top: (node.y + margin) * scale - scroll.clientHeight / 2,
      left: (node.x + margin) * scale - scroll.clientWidth / 2
    });
  });
  scroll.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 } [event.key];
    const next = step && layers[chosen ? chosen.index + step : 0];
    if (!next) return;
    event.preventDefault();
    choose(next);
  });
  const find = (text) => {
    const wanted = text.toLowerCase();
    inner.forEach(({ layer, drawn }) => drawn.classList.toggle("dim",
      !`${layer.name} ${layer.operation} ${(layer.sources || []).join(" ")}`.toLowerCase().includes(wanted)));
    const first = wanted && inner.find(({ drawn }) => !drawn.classList.contains("dim"));
    if (first) choose(first.layer);
  };
  const fit = () => zoom(Math.min(scroll.clientWidth / width, scroll.clientHeight / height));
  const used = new Set(layers.map((layer) => familyOf(layer.operation)));
  return {
    scroll,
    afterwards: () => zoom(Math.min(1, Math.max(0.85, (scroll.clientWidth - 20) / width))),
    tools: [
      html("input", {
        type: "search",
        placeholder: "find a layer",
        "aria-label": "find a layer",
        input: (event) => find(event.target.value)
      }),
      html("button", { click: () => zoom(scale * 1.25), title: "larger" }, "+"),
      html("button", { click: () => zoom(scale / 1.25), title: "smaller" }, "\u2212"),
      html("button", { click: fit }, "whole"), html("button", { click: () => zoom(1) }, "1:1"), html(
      "span", { class: "space" }),
      legend(...[...families, ["elementwise", "element-wise"]].filter(([family]) => used.has(family))
        .map(([family, name]) => [`background:var(--${family})`, name]))
    ]
  };
}

//--- The chosen layer ---

const boundText = (unit) => (unit.bound === undefined ? "costs depend on run-time extents" :
  unit.bound === "memory" ? "bound by memory" : "bound by arithmetic");
const pairs = (...entries) => html("dl", {}, entries.filter(([, value]) => value !== undefined && value !== null)
  .map(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]));
const meter = (part, colour) => html("div", { class: "meter" },
  html("div", { style: `width:${Math.min(100, 100 * part).toFixed(1)}%;background:var(--${colour})` }));

function describeUnit(unit) {
  const others = unit.layers.map((index) => layers[index]).filter(Boolean);
  const attained = unit.cycles ? unit.compute / unit.cycles : undefined;
  return [
    html("h3", {}, unit.kinds.length > 1 ? `Kernels: ${unit.kinds.join(", ")}` : `Kernel: ${unit.kinds[0]}`),
    others.length > 1 ? html("p", {}, "one loop nest for: ", others.flatMap((layer, i) => [i ? ", " : "", layerLink(
      layer)])) : null,
    pairs(["multiply-adds", unit.macs ? group(unit.macs) : undefined],
      ["operations (FLOPs)", unit.flops === undefined ? "depend on run-time extents" : metric(unit.flops)],
      ["bytes moved", unit.bytes === undefined ? "depend on run-time extents" :
        `${bytes(unit.bytes)} (${bytes(unit.read)} in, ${bytes(unit.written)} out` +
        `${unit.weights ? `, ${bytes(unit.weights)} constants` : ""})`
      ],
      ["intensity", unit.intensity === undefined ? undefined :
      `${unit.intensity.toPrecision(3)} operations per byte`],
      ["estimate", unit.cycles === undefined ? undefined :
        `${metric(unit.cycles)} cycles at least, ${boundText(unit)}`
      ],
      ["share", unit.cycles === undefined && !hasTimes ? undefined : percent(unit.share)]),
    attained === undefined ? null : [meter(attained, "compute"), html("p", { class: "note" },
      unit.bound === "compute" ? "Arithmetic is the limit: up to 100 % of its peak." :
      `Memory is the limit: at most ${percent(attained)} of the peak of arithmetic.`)],
    unit.measured === undefined ? null : [
      pairs(["measured",
          `${milliseconds(unit.measured)}${unit.flops ? `, ${metric(unit.flops / unit.measured * 1000)}FLOP/s` : ""}`
        ],
        ["of the roofline", unit.roof === undefined ? undefined : percent(unit.roof)]),
      unit.roof === undefined ? null : meter(unit.roof, "measured")
    ],
  ];
}

function describeLayer(layer) {
  const reasons = layer.decisions;
  return [
    html("div", { class: "title" }, show(layer.name)),
    pairs(["operation", layer.operation], ["inputs", layer.inputs || "constants only"], ["outputs", layer.outputs],
      ["weights", layer.weights ? bytes(layer.weights) : undefined], ["output bytes", bytes(layer.bytes)],
      ["merged from", layer.sources ? layer.sources.map(show).join(", ") : undefined],
      ["reads", layer.from.length ? html("span", {}, layer.from.flatMap((index, i) => [i ? ", " : "", layerLink(
          layers[index])])) :
        undefined
      ],
      ["read by", layer.to.length ? html("span", {}, layer.to.slice(0, 12).flatMap((index, i) => [i ? ", " : "",
        layerLink(layers[index])
      ]), layer.to.length > 12 ? " \u2026" : "") : undefined]),
    layer.units.length ? layer.units.map(describeUnit) :
    html("p", { class: "note" },
      "No loop of its own: a view of another tensor, written in place by others, or a plain copy."),
    reasons.length ? [html("h3", {}, "Decisions"), html("ul", {}, reasons.map((reason) => html("li", {}, outcomeChip(
        reason),
      ` ${reason.about}: ${show(reason.text)}`)))] : null,
    layer.buffers.length ? [html("h3", {}, "In the workspace"), html("ul", {}, layer.buffers.map((buffer) => html(
      "li", {},
      describeBuffer(buffer))))] : null,
  ];
}
const outcomeChip = (decision) => html(
  "span", { class: `chip ${{ done: "done", "not done": "not" }[decision.outcome] || ""}` },
  decision.outcome === "done" ? "done" : decision.outcome === "not done" ? "not" : "so");

function makeGraphSection() {
  const { scroll, tools, afterwards } = drawGraph();
  const detail = html("div", { class: "detail" }, html("p", { class: "note" },
    "Choose a layer: its shapes, costs, limits and the decisions of the compiler appear here."));
  listeners.push((layer) => detail.replaceChildren(...describeLayer(layer).flat(9).filter(Boolean)));
  return {
    afterwards,
    section: html("section", { id: "graph" }, html("h2", {}, "Graph"),
      html("p", { class: "note" },
        "The layers after folding and the choice of layouts. Layers in one frame are one loop nest; dashed ones " +
        "are computed by the kernel above while its results are in registers, those without a box move nothing. Percentages are ",
        hasTimes ? "measured shares of the time; below, the kernel's operations, the bytes that it moves, and how much it reaches of what " +
        "the roofline allows." : "estimated shares of the time; below, the kernel's operations and the bytes that it moves."),
      html("div", { class: "tools" }, tools), html("div", { class: "graph" }, scroll, detail))
  };
}