// Regular expressions in RE2's syntax as automata on bytes of UTF-8.
#ifndef LIB_FRONTEND_ONNX_REGULAREXPRESSION_H
#define LIB_FRONTEND_ONNX_REGULAREXPRESSION_H

#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nnc::onnx {

/// A deterministic automaton, as `text.match` has it: it accepts strings that match as a whole.
struct Automaton {
  std::vector<int32_t> classes;     ///< of the 256 bytes; that of 0 is the end's
  std::vector<int32_t> transitions; ///< per state, per class
  int32_t start = 1;
};

/// An error says what of the pattern is not supported, or that it takes too many states.
llvm::Expected<Automaton> compileExpression(llvm::StringRef pattern);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_REGULAREXPRESSION_H
