// Keeps the values of variables while a model is imported.
#include "lib/Frontend/TFLite/Variables.h"

using namespace mlir;

namespace nnc::tflite {

unsigned Variables::find(StringRef key, StringRef name) {
  auto [place, isNew] = numbers.try_emplace(key, variables.size());
  if (isNew) {
    variables.push_back({name.str()});
    current.push_back({});
  }
  return place->second;
}

Value Variables::read(unsigned variable, RankedTensorType type) {
  if (current[variable] || isInitialising)
    return current[variable];
  Variable &known = variables[variable];
  if (!known.before) {
    if (known.initial)
      type = cast<RankedTensorType>(known.initial.getType());
    known.before = addInput(known, type);
  }
  return known.before;
}

void Variables::restore(ArrayRef<Value> values) {
  size_t number = current.size();
  current.assign(values.begin(), values.end());
  current.resize(number);
}

void Variables::beginInitialising() {
  outside = current;
  isInitialising = true;
  restore({});
}

SmallVector<Value> Variables::endInitialising() {
  SmallVector<Value> assigned = current;
  isInitialising = false;
  restore(outside);
  return assigned;
}

} // namespace nnc::tflite
