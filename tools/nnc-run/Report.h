// The report of a model's compilation, to which nnc-run adds times.
#ifndef TOOLS_NNC_RUN_REPORT_H
#define TOOLS_NNC_RUN_REPORT_H

#include "tools/nnc-run/Profile.h"

#include "nnc/Runtime.h"
#include "llvm/Support/Error.h"

namespace nnc {

/// Writes `report`, the JSON that was written when `model` was compiled, with the measured times to `path`, as JSON or as
/// a page. An error where it is no report, or that of another model: of another source, with other inputs, outputs or
/// layers.
llvm::Error writeMeasuredReport(llvm::StringRef report, const nnc_model &model, const ProfileTimes &times,
                                llvm::StringRef path);

} // namespace nnc

#endif // TOOLS_NNC_RUN_REPORT_H
