// HTML by hand: a few tables, and the memory plan as inline SVG with time from left to right and addresses upwards.
#include "lib/Target/ReportPage.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nnc {

static constexpr const char *style =
    "body{font:15px/1.4 sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:.5em 0}td,th{padding:.15em .8em;text-align:left;border-bottom:1px solid "
    "#ddd}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}svg{width:100%;height:auto;border:1px solid #ddd}"
    "h2{margin-top:1.6em}.bar{background:#4c78a8;height:.8em}";

/// `text` as it may stand in an element or an attribute.
static std::string escape(StringRef text) {
  std::string safe;
  for (char c : text) {
    if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '&')
      safe += "&amp;";
    else if (c == '"')
      safe += "&quot;";
    else
      safe += static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7F ? '_' : c;
  }
  return safe;
}

/// 1234567 as 1,234,567; a dash for what is not known.
static std::string group(std::optional<int64_t> number) {
  if (!number)
    return "-";
  std::string digits = std::to_string(*number);
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(at, ",");
  return digits;
}

namespace {

class PageWriter {
public:
  PageWriter(llvm::raw_ostream &os, const ReportFacts &facts) : os(os), facts(facts) {}

  void write() {
    std::string title = escape(facts.interface.name);
    os << "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head><meta charset=\"utf-8\"/>"
       << "<title>" << title << " compiled by nnc</title><style>" << style << "</style></head>\n<body>\n<h1>" << title
       << "</h1>\n";
    writeTotals();
    writeTensors();
    writeMemory();
    writeLayers();
    writeTimes();
    os << "</body>\n</html>\n";
  }

private:
  void writeTotals();
  void writePrecision();
  void writeTensors();
  void writeMemory();
  void writeBuffer(DictionaryAttr buffer, int64_t begin, int64_t steps, int64_t peak, unsigned number);
  void writeLayers();
  void writeTimes();
  void writeRow(StringRef label, StringRef value) {
    if (!value.empty())
      os << "<tr><th>" << label << "</th><td>" << escape(value) << "</td></tr>\n";
  }
  void writeNumber(std::optional<int64_t> number) { os << "<td class=\"n\">" << group(number) << "</td>"; }

  llvm::raw_ostream &os;
  const ReportFacts &facts;
};

} // namespace

void PageWriter::writeTotals() {
  const Provenance &from = facts.output.provenance;
  const EmittedSizes &sizes = facts.sizes;
  os << "<table>\n";
  writeRow("model", from.sourceName);
  writeRow("SHA-256", from.sourceSha256);
  writeRow("nnc", from.version);
  writeRow("target, CPU", facts.target.triple + ", " + facts.target.cpu);
  writeRow("multiply-adds of one run", group(facts.interface.macs));
  writeRow("code, bytes", group(sizes.code));
  writeRow("weights, bytes", group(sizes.weights));
  writeRow("object, bytes", group(sizes.object));
  bool isStatic = !facts.interface.isDynamic();
  writeRow("workspace, bytes", group(isStatic ? std::optional(sizes.workspace) : std::nullopt));
  writeRow("stack, bytes", group(sizes.stack >= 0 ? std::optional(sizes.stack) : std::nullopt));
  writePrecision();
  os << "</table>\n";
}

/// A row for each output, of what rounded weights do to it.
void PageWriter::writePrecision() {
  const PrecisionFacts &precision = facts.output.precision;
  writeRow("precision of weights", precision.type);
  if (!precision.unmeasured.empty())
    writeRow("error of outputs", "not measured: " + precision.unmeasured);
  for (const PrecisionFacts::Output &output : precision.outputs) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%.3g, of magnitudes up to %.3g; measured ", output.error,
                                                   output.magnitude)
                                   << describeMeasurement(precision);
    writeRow("largest error of " + escape(output.name), text);
  }
}

void PageWriter::writeTensors() {
  os << "<h2>Inputs and outputs</h2>\n<table>\n<tr><th></th><th>name</th><th>type</th><th>shape</th>"
     << "<th class=\"n\">bytes</th></tr>\n";
  auto write = [&](StringRef role, const TensorInterface &tensor, ArrayRef<std::string> extents) {
    std::string shape;
    unsigned dynamic = 0;
    for (int64_t extent : tensor.shape)
      shape += (shape.empty() ? "" : " x ") +
               (ShapedType::isDynamic(extent) ? extents[tensor.extentOf[dynamic++]] : std::to_string(extent));
    os << "<tr><td>" << role << "</td><td>" << escape(tensor.name) << "</td><td>" << tensor.getTypeName() << "</td><td>"
       << escape(shape) << "</td>";
    writeNumber(tensor.isStatic() ? std::optional(tensor.getBytes()) : std::nullopt);
    os << "</tr>\n";
  };
  for (const TensorInterface &input : facts.interface.inputs)
    write("input", input, facts.interface.extents);
  for (const TensorInterface &result : facts.interface.outputs)
    write("output", result, facts.interface.outputExtents);
  os << "</table>\n";
}

static int64_t getNumber(DictionaryAttr buffer, StringRef name) {
  auto number = buffer.getAs<IntegerAttr>(name);
  return number ? number.getInt() : 0;
}

void PageWriter::writeBuffer(DictionaryAttr buffer, int64_t begin, int64_t steps, int64_t peak, unsigned number) {
  constexpr double width = 1000, height = 400;
  static const char *const colours[] = {"#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#eeca3b"};
  int64_t first = getNumber(buffer, "first"), last = getNumber(buffer, "last"), bytes = getNumber(buffer, "bytes");
  double x = width * static_cast<double>(first - begin) / static_cast<double>(steps);
  double wide = width * static_cast<double>(last - first + 1) / static_cast<double>(steps);
  double high = height * static_cast<double>(bytes) / static_cast<double>(peak);
  double y = height - height * static_cast<double>(getNumber(buffer, "offset")) / static_cast<double>(peak) - high;
  std::string name = escape(buffer.getAs<StringAttr>("layer").getValue());
  os << llvm::formatv("<g><rect x=\"{0:f2}\" y=\"{1:f2}\" width=\"{2:f2}\" height=\"{3:f2}\" fill=\"{4}\" "
                      "stroke=\"#fff\"/><title>{5}: {6} bytes at {7}, steps {8} to {9}</title>",
                      x, y, wide, high, colours[number % std::size(colours)], name, group(bytes),
                      group(getNumber(buffer, "offset")), first, last);
  if (wide > 8.0 * static_cast<double>(name.size()) && high > 14)
    os << llvm::formatv("<text x=\"{0:f2}\" y=\"{1:f2}\" font-size=\"12\" fill=\"#fff\">{2}</text>", x + 3,
                        y + high / 2 + 4, name);
  os << "</g>\n";
}

void PageWriter::writeMemory() {
  auto plan = facts.module->getAttrOfType<DictionaryAttr>("nn.memory_plan");
  if (!plan)
    return;
  auto buffers = plan.getAs<ArrayAttr>("buffers").getAsRange<DictionaryAttr>();
  int64_t peak = getNumber(plan, "peak"), slots = getNumber(plan, "slots"), begin = INT64_MAX, end = 0;
  for (DictionaryAttr buffer : buffers) {
    begin = std::min(begin, getNumber(buffer, "first"));
    end = std::max(end, getNumber(buffer, "last") + 1);
  }
  os << "<h2>Workspace</h2>\n<p>" << group(peak) << " bytes; at least " << group(getNumber(plan, "bound"))
     << " live at once.";
  if (slots)
    os << " Besides " << slots << " buffers whose sizes run-time extents decide.";
  os << "</p>\n";
  if (peak == 0)
    return;
  os << "<svg viewBox=\"0 0 1000 400\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\n";
  unsigned number = 0;
  for (DictionaryAttr buffer : buffers)
    if (buffer.get("offset"))
      writeBuffer(buffer, begin, end - begin, peak, number++);
  os << "</svg>\n<p>Time runs to the right, addresses upwards. Pointing at a buffer shows its layer, size and "
        "life.</p>\n";
}

void PageWriter::writeLayers() {
  os << "<h2>Layers</h2>\n<table>\n<tr><th>name</th><th>operation</th><th>inputs</th><th>outputs</th>"
     << "<th class=\"n\">multiply-adds</th><th class=\"n\">bytes of weights</th><th class=\"n\">bytes of "
        "outputs</th></tr>\n";
  for (const LayerFacts &layer : facts.layers) {
    os << "<tr><td>" << escape(layer.name) << "</td><td>" << escape(layer.kind) << "</td><td>" << escape(layer.inputs)
       << "</td><td>" << escape(layer.outputs) << "</td>";
    writeNumber(layer.macs);
    writeNumber(layer.weightBytes ? std::optional(layer.weightBytes) : std::nullopt);
    writeNumber(layer.bytes);
    os << "</tr>\n";
  }
  os << "</table>\n";
}

void PageWriter::writeTimes() {
  double longest = 0, total = 0;
  for (const StageTime &time : facts.times) {
    longest = std::max(longest, time.seconds);
    total += time.seconds;
  }
  os << llvm::formatv("<h2>Compilation</h2>\n<p>{0:f2} seconds.</p>\n<table>\n", total);
  for (const StageTime &time : facts.times)
    os << llvm::formatv("<tr><td>{0}</td><td class=\"n\">{1:f3} s</td><td style=\"width:30em\"><div class=\"bar\" "
                        "style=\"width:{2:f1}%\"></div></td></tr>\n",
                        escape(time.stage), time.seconds, longest > 0 ? 100 * time.seconds / longest : 0.0);
  os << "</table>\n";
}

void writeReportPage(llvm::raw_ostream &os, const ReportFacts &facts) { PageWriter(os, facts).write(); }

} // namespace nnc
