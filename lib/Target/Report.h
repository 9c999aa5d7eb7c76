// The machine-readable account of a compilation (`--report=FILE.json`).
#ifndef LIB_TARGET_REPORT_H
#define LIB_TARGET_REPORT_H

#include "lib/Analysis/Layers.h"
#include "lib/Target/Emit.h"
#include "lib/Target/Header.h"

namespace nnc {

/// What a report is written from.
struct ReportFacts {
  mlir::ModuleOp module; ///< has the memory plan
  const ModelInterface &interface;
  const EmittedSizes &sizes;
  TargetNames target;
  const OutputOptions &output;
  llvm::ArrayRef<LayerFacts> layers;
  llvm::ArrayRef<StageTime> times;
};

/// How the errors of rounded weights were measured.
std::string describeMeasurement(const PrecisionFacts &facts);

/// Writes interface, sizes, memory plan, layers and times as JSON.
void writeReport(llvm::raw_ostream &os, const ReportFacts &facts);

} // namespace nnc

#endif // LIB_TARGET_REPORT_H
