// The machine-readable account of a compilation (`--report=FILE.json`).
#ifndef LIB_TARGET_REPORT_H
#define LIB_TARGET_REPORT_H

#include "lib/Target/Emit.h"
#include "lib/Target/Header.h"

namespace nnc {

/// Writes interface, sizes, memory plan and times as JSON.
void writeReport(llvm::raw_ostream &os, mlir::ModuleOp module, const ModelInterface &interface,
                 const EmittedSizes &sizes, const TargetNames &target, const OutputOptions &output,
                 llvm::ArrayRef<StageTime> times);

} // namespace nnc

#endif // LIB_TARGET_REPORT_H
