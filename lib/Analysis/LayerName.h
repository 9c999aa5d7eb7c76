// The layers of the source model that an operation came from.
#ifndef LIB_ANALYSIS_LAYERNAME_H
#define LIB_ANALYSIS_LAYERNAME_H

#include "mlir/IR/Location.h"

#include <string>
#include <vector>

namespace nnc {

/// The first name in `location` (a fused location lists the layers that were
/// merged; the first that has a name speaks for all), or "" where there is none.
std::string getLayerName(mlir::Location location);

/// All names in `location`, each once, in order.
std::vector<std::string> getLayerNames(mlir::Location location);

/// The numbers of the layers in `location` (see number-layers), each once, in order; none where they were not numbered.
std::vector<int64_t> getLayerNumbers(mlir::Location location);

} // namespace nnc

#endif // LIB_ANALYSIS_LAYERNAME_H
