// The machine-readable account of a compilation (`--report=FILE.json`).
#ifndef LIB_TARGET_REPORT_H
#define LIB_TARGET_REPORT_H

#include "lib/Analysis/NetworkFacts.h"
#include "lib/Target/Emit.h"
#include "lib/Target/Header.h"

namespace nnc {

/// What a report is written from.
struct ReportFacts {
  mlir::ModuleOp module; ///< has the memory plan and the target
  const ModelInterface &interface;
  const EmittedSizes &sizes;
  TargetNames target;
  const OutputOptions &output;
  const NetworkFacts &network;
  llvm::ArrayRef<StageTime> times;
};

/// How the errors of rounded weights were measured.
std::string describeMeasurement(const PrecisionFacts &facts);

/// Writes interface, sizes, memory plan, layers, kernels, decisions and times as JSON.
void writeReport(llvm::raw_ostream &os, const ReportFacts &facts);

/// Writes a report as `path` says: a page (writeReportPage) where it ends in .html, else JSON.
void writeReportAs(llvm::raw_ostream &os, llvm::StringRef path, const ReportFacts &facts);

} // namespace nnc

#endif // LIB_TARGET_REPORT_H
