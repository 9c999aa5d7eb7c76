// Bars of the dearest kernels, and the roofline.

const barsShown = 16;

function openUnit(unit) {
  const layer = layers[unit.main] || (layersByName.get(unit.name) || [])[0];
  if (!layer) return;
  choose(layer);
  document.getElementById("graph").scrollIntoView({ behavior: "smooth" });
}
const tellUnit = (unit) => [`${unit.label}: ${unit.kinds.join(", ")}`,
  unit.sources.length > 1 ?
  `with ${unit.sources.filter((name) => name !== unit.name).slice(0, 8).map(show).join(", ")}` : "",
  `${metric(unit.flops)} operations, ${bytes(unit.bytes)} moved`,
  unit.cycles === undefined ? "" : `estimate: ${metric(unit.cycles)} cycles, ${boundText(unit)}`,
  unit.measured === undefined ? "" : `measured: ${milliseconds(unit.measured)}` +
  (unit.roof === undefined ? "" : `, ${percent(unit.roof)} of the roofline`)
].filter(Boolean).join("\n");

function drawBars() {
  const rows = units.filter((unit) => unit.share > 0).sort((a, b) => b.share - a.share).slice(0, barsShown);
  const width = 620,
    rowHeight = 24,
    left = 190,
    right = 120,
    scale = (width - left - right) / Math.max(1e-9, rows[0]?.share || 0);
  return svg("svg", {
    viewBox: `0 0 ${width} ${Math.max(1, rows.length) * rowHeight + 4}`,
    role: "img",
    "aria-label": "The dearest kernels"
  }, rows.map((unit, i) => {
    const y = i * rowHeight,
      ideal = hasTimes && unit.roof !== undefined ? unit.share * Math.min(1, unit.roof) : unit.share;
    return svg("g", { class: "bar", click: () => openUnit(unit), ...hover(() => tellUnit(unit)) },
      svg("rect", { class: "track", x: 0, y, width, height: rowHeight }),
      svg("text", { class: "end", x: left - 8, y: y + 16 }, shorten(unit.label, 27)),
      hasTimes ? svg("rect", {
        x: left,
        y: y + 5,
        height: 14,
        rx: 2,
        width: unit.share * scale,
        fill: "var(--measured)",
        "fill-opacity": .45
      }) : null,
      svg("rect", { x: left, y: y + 5, height: 14, rx: 2, width: Math.max(1, ideal * scale),
        fill: `var(--${unit.bound || "other"})` }),
      svg("text", { class: "soft", x: left + unit.share * scale + 7, y: y + 16 }, `${percent(unit.share)}` +
        (unit.measured === undefined ? ` \u00b7 ${unit.kinds[0]}` : ` \u00b7 ${milliseconds(unit.measured)}`)));
  }));
}

function drawRoofline() {
  const machine = report.machine,
    width = 620,
    height = 400,
    left = 62,
    bottom = 44,
    top = 14,
    right = 14;
  const shown = units.filter((unit) => unit.flops > 0 && unit.cycles > 0 && unit.bytes > 0);
  const peak = machine.instructions_per_cycle * machine.vector_bits / 32 * (machine.fma ? 2 : 1);
  const reached = (unit) => (unit.roof === undefined ? unit.flops / unit.cycles : unit.flops / unit.cycles * unit.roof);
  const xs = shown.map((unit) => unit.intensity),
    ys = shown.map(reached);
  const low = (values, limit) => 10 ** Math.floor(Math.log10(Math.min(limit, ...values)));
  const high = (values, limit) => 10 ** Math.ceil(Math.log10(Math.max(limit, ...values) * 1.01));
  const x0 = low(xs, 0.1),
    x1 = high(xs, peak),
    y0 = low(ys, 1),
    y1 = high(ys, peak);
  const log = Math.log10;
  const x = (value) => left + (log(value) - log(x0)) / (log(x1) - log(x0)) * (width - left - right);
  const y = (value) => height - bottom - (log(value) - log(y0)) / (log(y1) - log(y0)) * (height - bottom - top);
  const decades = (from, to) => Array.from({ length: Math.round(log(to / from)) + 1 }, (_, i) => from * 10 ** i);
  const roof = (rate, name, dash) => {
    const from = Math.max(x0, y0 / rate),
      knee = peak / rate;
    return [svg("path", {
      d: `M${x(from)},${y(from * rate)}L${x(knee)},${y(peak)}`,
      stroke: "var(--memory)",
      "stroke-width": 2,
      fill: "none",
      "stroke-dasharray": dash
    }), svg("text", { class: "soft", x: x(from) + 10, y: y(from * rate) - 14 }, name)];
  };
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Roofline" },
    decades(x0, x1).map((value) => [svg("line", { class: "axis", x1: x(value), x2: x(value), y1: top, y2: height -
          bottom }),
      svg("text", { class: "soft middle", x: x(value), y: height - bottom + 16 }, String(Number(value.toPrecision(
        1))))
    ]),
    decades(y0, y1).map((value) => [svg("line", { class: "axis", x1: left, x2: width - right, y1: y(value), y2: y(
          value) }),
      svg("text", { class: "soft end", x: left - 6, y: y(value) + 4 }, String(Number(value.toPrecision(1))))
    ]),
    svg("text", { class: "soft middle", x: (left + width) / 2, y: height - 8 }, "operations per byte"),
    svg("text", { class: "soft middle", transform: `translate(14,${(height - bottom) / 2}) rotate(-90)` },
      "operations per cycle"),
    roof(machine.memory_bytes_per_cycle, "memory", null), roof(machine.cache_bytes_per_cycle, "second-level cache",
      "5 4"),
    svg("line", {
      x1: x(peak / machine.cache_bytes_per_cycle),
      x2: x(x1),
      y1: y(peak),
      y2: y(peak),
      stroke: "var(--compute)",
      "stroke-width": 2
    }),
    [...shown].sort((a, b) => b.share - a.share).map((unit) => svg("circle", {
      class: "dot",
      cx: x(unit.intensity),
      cy: y(reached(unit)),
      r: 4 + 22 * Math.sqrt(unit.share),
      fill: unit.colour,
      click: () => openUnit(unit),
      ...hover(() => tellUnit(unit))
    })),
    svg("text", { class: "soft end haloed", x: width - right - 4, y: y(peak) - 7 },
    `f32 peak: ${peak} operations per cycle`));
}

function makeCostSection() {
  if (!units.length) return null;
  const machine = report.machine;
  return html("section", { id: "cost" }, html("h2", {}, "Where the time goes"),
    html("p", { class: "note" }, hasTimes ?
      `Measured by nnc-run, the mean of ${group(report.profile.runs)} runs on one core at ` +
      `${report.profile.clock_ghz ? report.profile.clock_ghz.toPrecision(3) : "an unknown number of"} GHz; the full colour is what the ` +
      "roofline allows." : "Estimates: no kernel was run. nnc-run MODEL --profile --report=FILE.html measures."),
    html("div", { class: "two" },
      html("div", {}, html("h3", {},
        `The ${Math.min(barsShown, units.length)} dearest of ${plural(units.length, "kernel")}`), drawBars()),
      html("div", {}, html("h3", {}, hasTimes ? "Roofline: measured" : "Roofline: what is attainable"),
      drawRoofline())),
    legend(["background:var(--compute)", "bound by arithmetic"], ["background:var(--memory)", "bound by memory"],
      ...(hasTimes ? [
        ["background:var(--measured);opacity:.45", "measured time beyond the estimate"]
      ] : [])),
    html("h3", {}, "How the estimates are made"),
    html("p", { class: "note" }, `A roofline of one core. A kernel takes at least the cycles of its arithmetic: ` +
      `${machine.instructions_per_cycle} vector instructions per cycle of ${machine.vector_bits} bits, a multiply-add being ` +
      `${machine.fma ? "one" : "two"}; and at least the cycles of its bytes, each operand moved once: ${machine.cache_bytes_per_cycle} bytes ` +
      `per cycle where all fit the second-level cache of ${bytes(machine.cache_bytes)}, else ${machine.memory_bytes_per_cycle}. The larger ` +
      "is the estimate. Division and square root count as 8 operations, exp and other functions as 20; Winograd's algorithm counts the " +
      "multiplications that it does, its operations are those of the convolution, so that it may lie above the peak. The width is the " +
      "target's; instructions and bytes per cycle are assumed to be the same for all CPUs. Work that is not in a kernel (plain copies) is left out."
      ));
}