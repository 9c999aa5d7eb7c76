// The report's facts, how they belong together, and how they are written.

const report = JSON.parse(document.getElementById("report").textContent);

/** Creates an element; attributes that are functions are listeners, children that are no nodes are text. */
function create(space, tag, attributes, children) {
  const element = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined));
  return element;
}
const html = (tag, attributes, ...children) => create("http://www.w3.org/1999/xhtml", tag, attributes, children);
const svg = (tag, attributes, ...children) => create("http://www.w3.org/2000/svg", tag, attributes, children);

/** A name of the model as it may be shown: what would be invisible, or turn the text around it, is replaced. */
const show = (name) => String(name).replace(
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "\ufffd") || "(no name)";
const shorten = (text, length) => (text.length <= length ? text : text.slice(0, Math.ceil(length / 2) - 1) + "\u2026" +
  text.slice(text.length - Math.floor(length / 2)));

/** 1234567 as "1.23 M"; a dash for what is not known. */
function metric(number, unit = "") {
  if (number === undefined || number === null || !isFinite(number)) return "\u2013";
  const steps = [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"]
  ];
  const [scale, prefix] = steps.find(([size]) => Math.abs(number) >= size) || [1, ""];
  const text = Number((number / scale).toPrecision(3)).toString();
  return `${text}${prefix || unit ? " " : ""}${prefix}${unit}`;
}
/** Bytes in powers of 1024. */
function bytes(number) {
  if (number === undefined || number === null) return "\u2013";
  for (const [scale, unit] of [
      [2 ** 30, "GiB"],
      [2 ** 20, "MiB"],
      [2 ** 10, "KiB"]
    ])
    if (number >= scale) return `${Number((number / scale).toPrecision(3))} ${unit}`;
  return `${number} B`;
}
const group = (number) => (number === undefined ? "\u2013" : String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f"));
const percent = (part) => (isFinite(part) ? `${(100 * part).toFixed(part < 0.0995 ? 1 : 0)} %` : "\u2013");
const milliseconds = (ms) => (ms < 0.1 ? `${(1000 * ms).toPrecision(3)} \u00b5s` : `${ms.toPrecision(3)} ms`);
const plural = (count, word) => `${group(count)} ${word}${count === 1 ? "" : "s"}`;

/** Families of operations, each with a colour of the style sheet. */
const families = [
  ["conv", "convolution", /conv|winograd|depthwise/],
  ["matmul", "matrix product", /matmul|gemm|contract|attention|einsum/],
  ["quantize", "quantisation", /quantize/],
  ["row", "softmax, norm, reduction", /softmax|norm|reduce|lrn|arg_|cumsum|top_k/],
  ["window", "pooling, resampling", /pool|resize|roi|grid_sample|upsample/],
  ["control", "recurrent, branch, loop", /^(if|loop|scan|while|branch|repeated|lstm|gru|rnn)/],
  ["move", "moves elements",
    /transpose|reshape|concat|slice|split|gather|scatter|pad|tile|squeeze|flatten|broadcast|expand|reverse|space|shape|pack/
  ],
];
/** The rest: one scalar function of each element, by far the most. */
function familyOf(operation) {
  const found = families.find(([, , pattern]) => pattern.test(operation));
  return found ? found[0] : "elementwise";
}
const colourOf = (operation) => `var(--${familyOf(operation)})`;

const layers = report.layers.map((layer, index) => ({
  ...layer,
  index,
  from: layer.from || [],
  fromInputs: layer.from_inputs || [],
  toOutputs: layer.to_outputs || [],
  to: [],
  units: [],
  decisions: [],
  buffers: [],
}));
layers.forEach((layer) => layer.from.forEach((source) => layers[source].to.push(layer.index)));
const layersByName = new Map();
layers.forEach((layer) => layersByName.set(layer.name, [...(layersByName.get(layer.name) || []), layer]));

const add = (a, b) => (a === undefined || b === undefined ? undefined : a + b);

/** Layers that are computed in blocks with others, and the layer under whose name all of them are timed. */
const together = new Map();
for (const decision of report.decisions || [])
  if (decision.about === "fusion" && decision.text.includes("in blocks of"))
    (decision.layers || []).forEach((index) => together.set(index, decision.layer));

/** What costs are told of: a kernel; where times were measured, all kernels that are timed together. */
function makeUnits() {
  const times = new Map((report.profile?.layers || []).map((layer) => [layer.name, layer.milliseconds]));
  const made = [];
  const byName = new Map();
  for (const kernel of report.kernels || []) {
    const cycles = kernel.compute_cycles === undefined || kernel.memory_cycles === undefined ? undefined :
      Math.max(kernel.compute_cycles, kernel.memory_cycles);
    const head = kernel.layers?.[0],
      rest = (kernel.layers || []).slice(1).sort((a, b) => a - b);
    const name = (times.size && together.get(head)) || kernel.name;
    const part = {
      name,
      names: [kernel.name],
      kinds: [kernel.kind],
      layers: [head, ...rest].filter((index) => index in layers),
      sources: kernel.sources,
      macs: kernel.macs,
      flops: add(2 * kernel.macs || 0, kernel.operations),
      read: kernel.read,
      written: kernel.written,
      weights: kernel.weights,
      heads: head in layers ? [head] : [],
      main: head,
      compute: kernel.compute_cycles,
      memory: kernel.memory_cycles,
      cycles,
    };
    const known = times.size ? byName.get(name) : undefined;
    if (!known) {
      made.push(part);
      byName.set(name, part);
      continue;
    }
    known.kinds.push(kernel.kind);
    known.names = [...new Set([...known.names, kernel.name])];
    if ((part.cycles || 0) > (known.dearest ?? known.cycles ?? 0)) {
      known.main = part.main;
      known.dearest = part.cycles;
    }
    known.heads = [...known.heads, ...part.heads];
    known.layers = [...new Set([...known.layers, ...part.layers])];
    known.sources = [...new Set([...known.sources, ...part.sources])];
    for (const key of ["macs", "flops", "read", "written", "weights", "compute", "memory", "cycles"])
      known[key] = add(known[key], part[key]);
  }
  made.forEach((unit) => {
    unit.colour = colourOf(layers[unit.main]?.operation || unit.kinds[0]);
    unit.bytes = add(add(unit.read, unit.written), unit.weights);
    unit.intensity = unit.bytes ? unit.flops / unit.bytes : undefined;
    unit.bound = unit.cycles === undefined ? undefined : unit.memory > unit.compute ? "memory" : "compute";
    unit.measured = times.get(unit.name);
    if (unit.measured !== undefined && unit.cycles !== undefined && report.profile.clock_ghz)
      unit.roof = unit.cycles / (unit.measured * 1e6 * report.profile.clock_ghz);
    unit.layers.filter((index) => layers[index]).forEach((index) => layers[index].units.push(unit));
  });
  return made;
}
const units = makeUnits();
const hasTimes = units.some((unit) => unit.measured !== undefined);
const allCycles = units.reduce((sum, unit) => sum + (unit.cycles || 0), 0);
const allTime = hasTimes ? report.profile.milliseconds : 0;
units.forEach((unit) => {
  unit.share = hasTimes ? (unit.measured || 0) / allTime : allCycles ? (unit.cycles || 0) / allCycles : 0;
  unit.label = unit.names.map(show).join(" + ");
});

/** The decisions that concern a layer: by number, or by name where they came before layers had numbers. */
const decisions = (report.decisions || []).map((decision) => {
  const named = layersByName.get(decision.layer) || [];
  const numbered = (decision.layers || []).map((index) => layers[index]).filter(Boolean);
  const isOfTranspose = decision.text.includes("transpose is left");
  const concerned = numbered.length ? numbered :
    named.filter((layer) => (isOfTranspose ? layer.operation === "transpose" : familyOf(layer.operation) !==
      "move"));
  const made = { ...decision, concerned: concerned.length ? concerned : named };
  made.concerned.forEach((layer) => layer.decisions.push(made));
  return made;
});
const buffers = (report.memory?.buffers || []).map((buffer) => {
  const owner = layers[(buffer.layers || [])[0]] || (layersByName.get(buffer.layer) || [])[0];
  const made = { ...buffer, owner };
  if (owner) owner.buffers.push(made);
  return made;
});