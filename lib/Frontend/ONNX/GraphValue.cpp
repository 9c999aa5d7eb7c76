// Tensors, sequences and optionals of an ONNX graph.
#include "lib/Frontend/ONNX/GraphValue.h"

using namespace mlir;

namespace nnc::onnx {

std::optional<int64_t> Sequence::getSize() const {
  if (collectedFor)
    return std::nullopt;
  if (isListed())
    return elements.size();
  auto type = cast<RankedTensorType>(stack.getType());
  if (length || type.isDynamicDim(0))
    return std::nullopt;
  return type.getDimSize(0);
}

GraphValue GraphValue::absent() {
  GraphValue value;
  value.isEmpty = true;
  return value;
}

StringRef GraphValue::describe() const {
  if (hasElement)
    return "an optional";
  if (!keys.empty())
    return "a map or a sequence of maps";
  if (isEmpty)
    return "an optional without an element";
  return sequence ? "a sequence" : tensor ? "a tensor" : "nothing";
}

bool GraphValue::isLike(const GraphValue &other) const {
  if (!tensor != !other.tensor || keys != other.keys || isSequence() != other.isSequence() || isAbsent() != other.isAbsent() ||
      !hasElement != !other.hasElement)
    return false;
  return !isSequence() || (sequence->elements.size() == other.sequence->elements.size() &&
                           !sequence->stack == !other.sequence->stack && !sequence->length == !other.sequence->length &&
                           sequence->collectedFor == other.sequence->collectedFor);
}

SmallVector<Value> GraphValue::getParts() const {
  SmallVector<Value> parts;
  if (tensor)
    parts.push_back(tensor);
  if (sequence) {
    llvm::append_range(parts, sequence->elements);
    for (Value value : {sequence->stack, sequence->length})
      if (value)
        parts.push_back(value);
  }
  if (hasElement)
    parts.push_back(hasElement);
  return parts;
}

GraphValue GraphValue::rebuild(ArrayRef<Value> parts) const {
  GraphValue copy = *this;
  auto take = [&](Value &part) {
    if (!part)
      return;
    part = parts.front();
    parts = parts.drop_front();
  };
  take(copy.tensor);
  if (copy.sequence) {
    for (Value &element : copy.sequence->elements)
      take(element);
    take(copy.sequence->stack);
    take(copy.sequence->length);
  }
  take(copy.hasElement);
  return copy;
}

} // namespace nnc::onnx
