// What a diagnostic looks like: the file or the layer in front, or else the compiler's name.
#include "lib/Driver/Diagnostics.h"

using namespace mlir;

namespace nnc {

/// `file:line:column: ` or `layer 'name': `, as far as the location tells.
static void printLocation(Location loc, llvm::raw_ostream &os) {
  if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    os << file.getFilename().getValue() << ':';
    if (file.getLine())
      os << file.getLine() << ':' << file.getColumn() << ':';
    os << ' ';
  } else if (auto name = dyn_cast<NameLoc>(loc)) {
    os << "layer '" << name.getName().getValue() << "': ";
  } else if (auto fused = dyn_cast<FusedLoc>(loc); fused && !fused.getLocations().empty()) {
    printLocation(fused.getLocations().front(), os);
  } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    printLocation(call.getCallee(), os);
  }
}

std::string describeWithoutFile(const Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (!isa<FileLineColLoc>(diagnostic.getLocation()))
    printLocation(diagnostic.getLocation(), os);
  os << diagnostic;
  return text;
}

void printDiagnostic(Diagnostic &diagnostic, llvm::raw_ostream &os) {
  std::string place;
  llvm::raw_string_ostream placeStream(place);
  printLocation(diagnostic.getLocation(), placeStream);
  os << (place.empty() ? "nnc: " : place);
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    os << "error: ";
    break;
  case DiagnosticSeverity::Warning:
    os << "warning: ";
    break;
  case DiagnosticSeverity::Note:
  case DiagnosticSeverity::Remark:
    os << "note: ";
    break;
  }
  os << diagnostic << '\n';
  for (Diagnostic &note : diagnostic.getNotes())
    printDiagnostic(note, os);
}

} // namespace nnc
