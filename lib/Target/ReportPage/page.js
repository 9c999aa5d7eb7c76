// The page: head, totals, sections.

/** What rounded weights do to the output that they change most. */
function describePrecision({ type, outputs, not_measured, measured }) {
  if (!outputs) return ["\u2013", `error of ${type} weights`, `not measured: ${show(not_measured)}`];
  const worst = outputs.reduce((a, b) => ((b.relative_error ?? Infinity) > (a.relative_error ?? Infinity) ? b : a));
  const error = worst.relative_error ?? worst.largest_error;
  return [Number.isFinite(error) ? error.toExponential(1) : "not finite", `largest error of ${type} weights`,
    `of ${show(worst.name)}, in its largest magnitude; ${measured}`];
}

function makeCards() {
  const { sizes } = report, kernels = (report.kernels || []).length;
  const card = (value, name, more) => html("div", { class: "card" }, html("b", {}, value), html("span", {}, name),
    more ? html("span", { class: "more" }, more) : null);
  const roof = units.filter((unit) => unit.roof !== undefined);
  const ideal = roof.reduce((sum, unit) => sum + unit.roof * unit.measured, 0),
    spent = roof.reduce((sum, unit) => sum + unit.measured, 0);
  const memoryBound = units.reduce((sum, unit) => sum + (unit.bound === "memory" ? unit.cycles : 0), 0);
  return html("div", { class: "cards" },
    hasTimes ? card(milliseconds(report.profile.milliseconds), "one run, measured",
      spent ? `${percent(ideal / spent)} of the roofline` : null) : null,
    card(report.macs === undefined ? "\u2013" : metric(report.macs), "multiply-adds of one run",
      report.macs === undefined ? "run-time extents decide" : null),
    allCycles ? card(`${metric(allCycles)}`, "cycles of one core at least",
      `an estimate, ${percent(memoryBound / allCycles)} bound by memory`) : null,
    card(`${group(layers.length)} \u2192 ${group(kernels)}`, "layers become kernels"),
    card(bytes(sizes.weights), "weights"),
    report.precision ? card(...describePrecision(report.precision)) : null,
    card(sizes.workspace === undefined ? "\u2013" : bytes(sizes.workspace), "workspace", sizes.workspace ===
      undefined ? "run-time extents decide" :
      `lower bound ${bytes(sizes.workspace_lower_bound)}`),
    card(bytes(sizes.code), "machine code", sizes.stack === undefined ? null :
      `${bytes(sizes.stack)} of stack at most`));
}

function makePage() {
  const page = document.getElementById("page"),
    graph = makeGraphSection();
  const sections = [graph.section, makeCostSection(), makeMemorySection(), makeDecisionSection(), makeLayerSection(),
    makeInterfaceSection(),
    makeCompilationSection()
  ].filter(Boolean);
  document.title = `${show(report.name)} \u2013 nnc report`;
  page.append(html("header", {}, html("h1", {}, show(report.name)), html("p", { class: "origin" },
      `${show(report.model || "")} \u00b7 ${report.target} \u00b7 ${report.cpu}, vectors of ${report.machine.vector_bits} bits \u00b7 nnc ${report.version}`
      )),
    makeCards(), html("nav", {}, sections.map((section) => html("a", { href: `#${section.id}` }, section
      .querySelector("h2").textContent))),
    ...sections, html("footer", { class: "mono" }, report.sha256 ? `SHA-256 of the model: ${report.sha256}` : ""), tip
    );
  graph.afterwards();
  const dearest = [...layers].sort((a, b) => shareOf(b) - shareOf(a))[0];
  if (dearest) choose(dearest);
}

makePage();
document.documentElement.dataset.ready = "yes";