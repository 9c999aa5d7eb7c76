// Looks through fused and call-site locations for a NameLoc.
#include "lib/Analysis/LayerName.h"

#include "llvm/ADT/SetVector.h"

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

/// Calls `visit` with `location` and all locations that it is made from.
static void visitParts(Location location, llvm::function_ref<void(Location)> visit) {
  visit(location);
  if (auto call = dyn_cast<CallSiteLoc>(location))
    visitParts(call.getCallee(), visit);
  else if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      visitParts(part, visit);
}

std::vector<std::string> getLayerNames(Location location) {
  llvm::SetVector<StringAttr> found;
  visitParts(location, [&](Location part) {
    if (auto name = dyn_cast<NameLoc>(part))
      found.insert(name.getName());
  });
  std::vector<std::string> names;
  for (StringAttr name : found)
    names.push_back(name.str());
  return names;
}

std::vector<int64_t> getLayerNumbers(Location location) {
  llvm::SetVector<int64_t, std::vector<int64_t>> numbers;
  visitParts(location, [&](Location part) {
    if (auto fused = dyn_cast<FusedLoc>(part))
      if (auto number = dyn_cast_if_present<IntegerAttr>(fused.getMetadata()))
        numbers.insert(number.getInt());
  });
  return numbers.takeVector();
}

} // namespace nnc
