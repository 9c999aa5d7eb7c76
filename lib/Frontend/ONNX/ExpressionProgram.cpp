// The second half of ExpressionParser: what was read becomes instructions, the last
// one first, so that each knows the place of the next.
#include "lib/Frontend/ONNX/ExpressionParser.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

namespace nnc::onnx {

/// Instructions, and parts of the expression counted at each repetition, that are still believed.
static constexpr size_t maxSteps = 20000;
static constexpr int64_t maxEmitted = 200000;

int32_t ExpressionParser::add(ExpressionStep step) {
  if (program.size() >= maxSteps) {
    fail("it is too large");
    return 0;
  }
  program.push_back(step);
  return static_cast<int32_t>(program.size()) - 1;
}

/// Code points of one length in UTF-8, split until each byte runs through a range of its own.
int32_t ExpressionParser::emitRange(uint32_t low, uint32_t high, int32_t next) {
  static const uint32_t limits[] = {0x7F, 0x7FF, 0xFFFF, lastCodePoint};
  for (uint32_t limit : limits)
    if (low <= limit && high > limit) {
      int32_t first = emitRange(low, limit, next);
      return add({ExpressionStep::Fork, 0, 0, first, emitRange(limit + 1, high, next)});
    }
  if (high <= 0x7F)
    return add({ExpressionStep::Byte, static_cast<uint8_t>(low), static_cast<uint8_t>(high), next});
  for (unsigned bits = 6; bits <= 18; bits += 6) {
    uint32_t mask = (1u << bits) - 1;
    if ((low & ~mask) == (high & ~mask))
      break;
    uint32_t cut = (low & mask) != 0 ? low | mask : (high & mask) != mask ? (high & ~mask) - 1 : high;
    if (cut != high) {
      int32_t first = emitRange(low, cut, next);
      return add({ExpressionStep::Fork, 0, 0, first, emitRange(cut + 1, high, next)});
    }
  }
  unsigned length = high <= 0x7FF ? 2 : high <= 0xFFFF ? 3 : 4;
  for (unsigned i = length; i-- > 1; low >>= 6, high >>= 6)
    next = add({ExpressionStep::Byte, static_cast<uint8_t>(0x80 | (low & 0x3F)), static_cast<uint8_t>(0x80 | (high & 0x3F)), next});
  uint32_t lead = 0xF00u >> length & 0xF0;
  return add({ExpressionStep::Byte, static_cast<uint8_t>(lead | low), static_cast<uint8_t>(lead | high), next});
}

int32_t ExpressionParser::emitSet(const CodePoints &set, int32_t next) {
  int32_t result = -1;
  auto addRange = [&](uint32_t low, uint32_t high) {
    if (low > high || !reason.empty())
      return;
    int32_t range = emitRange(low, high, next);
    result = result < 0 ? range : add({ExpressionStep::Fork, 0, 0, result, range});
  };
  for (auto [low, high] : set) { // zero ends a string, and surrogates are no UTF-8
    addRange(std::max(low, 1u), std::min(high, 0xD7FFu));
    addRange(std::max(low, 0xE000u), high);
  }
  return result >= 0 ? result : add({ExpressionStep::Byte, 1, 0, next}); // accepts nothing
}

int32_t ExpressionParser::emitRepetition(const Node &node, int32_t next) {
  int32_t child = node.children.front();
  int64_t least = node.least, most = node.most;
  if (most < 0) {
    int32_t loop = add({ExpressionStep::Fork, 0, 0, next, -1});
    int32_t body = emit(child, loop);
    if (reason.empty())
      program[loop].other = body;
    next = loop;
  }
  // (x(x(x)?)?)?: where one is left out, so are the others.
  int32_t end = next;
  for (int64_t i = least; i < most && reason.empty(); ++i) {
    int32_t body = emit(child, next);
    next = add({ExpressionStep::Fork, 0, 0, body, end});
  }
  for (int64_t i = 0; i < least && reason.empty(); ++i)
    next = emit(child, next);
  return next;
}

int32_t ExpressionParser::emit(int32_t number, int32_t next) {
  if (++numEmitted > maxEmitted)
    fail("it is too large");
  if (!reason.empty())
    return 0;
  const Node &node = nodes[number];
  switch (node.kind) {
  case Node::Empty:
    return next;
  case Node::Set:
    return emitSet(node.set, next);
  case Node::Test:
    return add({node.test, 0, 0, next});
  case Node::Sequence:
    for (int32_t child : llvm::reverse(node.children))
      next = emit(child, next);
    return next;
  case Node::Alternatives: {
    int32_t result = emit(node.children.back(), next);
    for (int32_t child : llvm::reverse(llvm::ArrayRef(node.children).drop_back())) {
      int32_t first = emit(child, next);
      result = add({ExpressionStep::Fork, 0, 0, first, result});
    }
    return result;
  }
  case Node::Repetition:
    return emitRepetition(node, next);
  }
  llvm_unreachable("all kinds are listed");
}

} // namespace nnc::onnx
