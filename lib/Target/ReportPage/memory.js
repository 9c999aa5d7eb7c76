// The workspace over time: buffers as rectangles, addresses upwards, steps of the program to the right.

const describeBuffer = (buffer) => (buffer.offset === undefined ?
  `slot ${buffer.slot}, size known at run time, steps ${buffer.first} to ${buffer.last}` :
  `${bytes(buffer.bytes)} at ${group(buffer.offset)}, steps ${buffer.first} to ${buffer.last}`);
const tellBuffer = (buffer) =>
  `${show(buffer.layer)}${buffer.owner ? ` (${buffer.owner.operation})` : ""}\n${describeBuffer(buffer)}`;

/** Only steps at which a buffer comes or goes take room. */
function makeTimes() {
  const steps = [...new Set(buffers.flatMap((buffer) => [buffer.first, buffer.last + 1]))].sort((a, b) => a - b);
  const places = new Map(steps.map((step, i) => [step, i]));
  return { steps, places };
}

/** Bytes that live from each step to the next. */
function sumLive(placed, { steps, places }) {
  const change = new Array(steps.length + 1).fill(0);
  placed.forEach((buffer) => {
    change[places.get(buffer.first)] += buffer.bytes;
    change[places.get(buffer.last + 1)] -= buffer.bytes;
  });
  let sum = 0;
  return steps.map((_, i) => (sum += change[i]));
}

function drawBuffer(buffer, x, y, times) {
  const left = x(times.places.get(buffer.first)),
    wide = x(times.places.get(buffer.last + 1)) - left;
  const top = y(buffer.offset + buffer.bytes),
    high = Math.max(0.5, y(buffer.offset) - top),
    name = show(buffer.layer);
  const room = Math.floor((wide - 8) / 6.2);
  return svg("g", {
      class: "buffer",
      "data-owner": buffer.owner ? buffer.owner.index : null,
      click: () => buffer.owner && choose(buffer.owner),
      ...hover(() => tellBuffer(buffer))
    },
    svg("rect", {
      x: left.toFixed(1),
      y: top.toFixed(1),
      width: Math.max(0.5, wide).toFixed(1),
      height: high.toFixed(1),
      fill: buffer.owner ? colourOf(buffer.owner.operation) : "var(--other)"
    }),
    room > 3 && high > 13 ? svg("text", { x: left + 4, y: top + high / 2 + 4 }, shorten(name, room)) : null);
}

function drawWorkspace(placed, times) {
  const width = 1300,
    height = 470,
    left = 78,
    right = 20,
    top = 34,
    bottom = 46;
  const peak = report.memory.peak,
    bound = report.memory.bound || 0,
    live = sumLive(placed, times);
  const count = Math.max(1, times.steps.length - 1);
  const x = (place) => left + place / count * (width - left - right);
  const y = (address) => height - bottom - address / peak * (height - top - bottom);
  const most = live.reduce((best, value, i) => (value > live[best] ? i : best), 0);
  const middle = (x(most) + x(Math.min(count, most + 1))) / 2;
  const steps = live.slice(0, -1).map((value, i) =>
    `${i ? "L" : "M"}${x(i).toFixed(1)},${y(value).toFixed(1)}H${x(i + 1).toFixed(1)}`);
  const line = (at, colour, dash) => svg("line", {
    x1: left,
    x2: width - right,
    y1: y(at),
    y2: y(at),
    stroke: `var(--${colour})`,
    "stroke-width": 1.6,
    "stroke-dasharray": dash
  });
  const owner = placed.find((buffer) => times.places.get(buffer.first) === most) || placed[0];
  const ticks = Math.min(9, count),
    names = [];
  for (let i = 0; i < ticks; ++i) {
    const place = Math.round(i * count / ticks);
    const starts = placed.filter((buffer) => times.places.get(buffer.first) <= place)
      .reduce((latest, buffer) => (latest && latest.first >= buffer.first ? latest : buffer), null);
    if (starts) names.push(svg("text", { class: "soft", x: x(place) + 2, y: height - bottom + 30 }, shorten(show(starts
        .layer), 19)),
      svg("line", { class: "axis", x1: x(place), x2: x(place), y1: height - bottom, y2: height - bottom + 20 }));
  }
  return svg("svg", { id: "workspace", viewBox: `0 0 ${width} ${height}`,
    role: "img", "aria-label": "The workspace over time" },
    [0, 1, 2, 3, 4].map((i) => [svg("line", { class: "axis", x1: left, x2: width - right, y1: y(peak * i / 4), y2: y(
          peak * i / 4) }),
      svg("text", { class: "soft end", x: left - 7, y: y(peak * i / 4) + 4 }, bytes(Math.round(peak * i / 4)))
    ]),
    placed.map((buffer) => drawBuffer(buffer, x, y, times)),
    svg("path", { class: "live", d: steps.join(""), fill: "none",
  stroke: "var(--ink)", "stroke-width": 1.4, "pointer-events": "none" }),
    line(peak, "peak", null), line(bound, "good", "7 4"),
    svg("line", {
      class: "moment",
      x1: middle,
      x2: middle,
      y1: top - 8,
      y2: height - bottom,
      stroke: "var(--peak)",
      "stroke-dasharray": "3 3",
      "pointer-events": "none"
    }),
    svg("text", { class: middle > width / 2 ? "end" : "", x: middle + (middle > width / 2 ? -6 : 6), y: top - 14,
        style: "fill:var(--peak)" },
      `\u25be most at once: ${bytes(live[most])}, when '${shorten(show(owner.layer), 40)}' is computed`),
    names);
}

/** Slots of run-time size: who uses them when, without heights. */
function drawSlots(slotted, times) {
  const width = 1300,
    left = 78,
    right = 20,
    row = 22,
    slots = Math.max(...slotted.map((buffer) => buffer.slot)) + 1;
  const count = Math.max(1, times.steps.length - 1),
    x = (place) => left + place / count * (width - left - right);
  return svg("svg", { viewBox: `0 0 ${width} ${slots * row + 6}`, role: "img", "aria-label": "Slots of run-time size" },
    Array.from({ length: slots }, (_, i) => svg("text", { class: "soft end", x: left - 7, y: i * row + 15 },
      `slot ${i}`)),
    slotted.map((buffer) => {
      const begin = x(times.places.get(buffer.first)),
        wide = x(times.places.get(buffer.last + 1)) - begin,
        room = Math.floor((wide - 8) / 6.2);
      return svg("g", {
          class: "buffer",
          "data-owner": buffer.owner ? buffer.owner.index : null,
          click: () => buffer.owner && choose(buffer.owner),
          ...hover(() => tellBuffer(buffer))
        },
        svg("rect", {
          x: begin,
          y: buffer.slot * row + 2,
          width: wide,
          height: row - 3,
          fill: buffer.owner ? colourOf(buffer.owner.operation) : "var(--other)"
        }),
        room > 3 ? svg("text", { x: begin + 4, y: buffer.slot * row + 15 }, shorten(show(buffer.layer), room)) :
        null);
    }));
}

function makeMemorySection() {
  if (!report.memory) return null;
  const placed = buffers.filter((buffer) => buffer.offset !== undefined),
    slotted = buffers.filter((buffer) => buffer.slot !== undefined);
  const { peak, bound } = report.memory, times = makeTimes();
  const section = html("section", { id: "memory" }, html("h2", {}, "Workspace over time"),
    html("p", { class: "note" }, peak ?
      `${plural(placed.length, "buffer")} in ${bytes(peak)} (${group(peak)} bytes). At one moment ` +
      `${bytes(bound)} live: no plan could do with less, ${peak > bound ? `this one needs ${percent(peak / bound - 1)} more` : "and this one needs no more"}. ` +
      "Time runs to the right, addresses upwards; only steps at which a buffer comes or goes take room." : slotted
      .length ? "" :
      "The model needs no workspace: all results are written where they belong at once.",
      slotted.length ?
      ` ${plural(slotted.length, "buffer")} of run-time size share ${plural(report.memory.slots, "slot")} behind them.` :
      ""));
  if (peak && placed.length)
    section.append(drawWorkspace(placed, times), legend(["border-color:var(--peak)", "size of the arena", "stroke"],
      ["border-color:var(--good)", "lower bound", "stroke dash"], ["border-color:var(--ink)", "bytes alive",
      "stroke"],
      ...[...families, ["elementwise", "element-wise"],
        ["other", "other"]
      ].filter(([family]) => placed.some((buffer) =>
        (buffer.owner ? familyOf(buffer.owner.operation) : "other") === family)).map(([family, name]) => [
        `background:var(--${family})`, name
      ])));
  if (slotted.length) section.append(html("h3", {}, "Slots whose sizes run-time extents decide"), drawSlots(slotted,
    times));
  listeners.push((layer) => section.querySelectorAll(".buffer").forEach((drawn) =>
    drawn.classList.toggle("chosen", drawn.dataset.owner === String(layer.index))));
  return section;
}