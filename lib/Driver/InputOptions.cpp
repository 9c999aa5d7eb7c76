// Reads --shape and --elements.
#include "lib/Driver/InputOptions.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace nnc {

Error parseShape(StringRef text, frontend::ShapeOverrides &shapes) {
  auto [name, list] = text.rsplit('=');
  SmallVector<StringRef> parts;
  list.split(parts, ',');
  SmallVector<int64_t> extents;
  for (StringRef part : parts) {
    int64_t extent = 0;
    if (part.trim() == "?")
      extent = mlir::ShapedType::kDynamic;
    else if (!to_integer(part.trim(), extent, 10) || extent < 0)
      return createStringError("--shape=" + text + ": expected name=extent,extent,... with extents that are numbers or ?");
    extents.push_back(extent);
  }
  if (name.empty() || list.empty())
    return createStringError("--shape=" + text + ": expected name=extent,extent,...");
  auto [given, isNew] = shapes.inputs.try_emplace(name, extents);
  if (!isNew && ArrayRef(given->second) != ArrayRef(extents))
    return createStringError("--shape=" + text + ": another --shape gives '" + name + "' other extents");
  if (extents.size() == 1 && !mlir::ShapedType::isDynamic(extents.front()))
    shapes.symbols[name] = extents.front();
  return Error::success();
}

Error parseElements(StringRef text, StringMap<int64_t> &elements) {
  auto [name, count] = text.rsplit('=');
  int64_t number = 0;
  if (count == "none")
    number = frontend::noElement;
  else if (count == "?")
    number = frontend::anyNumber;
  else if (!to_integer(count, number, 10) || number < 0)
    return createStringError("--elements=" + text + ": expected name=number, name=? or name=none");
  if (name.empty())
    return createStringError("--elements=" + text + ": expected the name of an input before =");
  elements[name] = number;
  return Error::success();
}

} // namespace nnc
