// The account of a compilation as a page for people (`--report=FILE.html`).
#ifndef LIB_TARGET_REPORTPAGE_H
#define LIB_TARGET_REPORTPAGE_H

#include "lib/Target/Report.h"

namespace nnc {

/// Writes the same as writeReport as one HTML page that needs no other file: totals, inputs and outputs, the memory
/// plan as a picture, layers, and the times of the compilation. The page is well-formed XML.
void writeReportPage(llvm::raw_ostream &os, const ReportFacts &facts);

} // namespace nnc

#endif // LIB_TARGET_REPORTPAGE_H
