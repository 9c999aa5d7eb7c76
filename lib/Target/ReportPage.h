// The account of a compilation as a page for people (`--report=FILE.html`).
#ifndef LIB_TARGET_REPORTPAGE_H
#define LIB_TARGET_REPORTPAGE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc {

/// Whether a report of this name is to be a page.
bool isReportPage(llvm::StringRef path);

/// Writes one HTML page that needs no other file and no network and shows what is in `report`, the JSON of
/// writeReport: graph, costs, memory plan, decisions. The page is well-formed XML; names of the model never become
/// markup.
void writeReportPage(llvm::raw_ostream &os, llvm::StringRef report);

} // namespace nnc

#endif // LIB_TARGET_REPORTPAGE_H
