// The name of the source model's layer that an operation came from.
#ifndef LIB_ANALYSIS_LAYERNAME_H
#define LIB_ANALYSIS_LAYERNAME_H

#include "mlir/IR/Location.h"

#include <string>

namespace nnc {

/// The first name in `location` (a fused location lists the layers that were
/// merged; the first that has a name speaks for all), or "" where there is none.
std::string getLayerName(mlir::Location location);

} // namespace nnc

#endif // LIB_ANALYSIS_LAYERNAME_H
