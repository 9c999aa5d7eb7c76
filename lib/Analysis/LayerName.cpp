// Looks through fused and call-site locations for a NameLoc.
#include "lib/Analysis/LayerName.h"

using namespace mlir;

namespace nnc {

std::string getLayerName(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName().str();
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return getLayerName(call.getCallee());
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (std::string name = getLayerName(part); !name.empty())
        return name;
  return "";
}

} // namespace nnc
