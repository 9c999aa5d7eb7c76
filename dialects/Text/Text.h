// The Text dialect: operations on tensors of strings, whose elements have the type
// `index`.
#ifndef DIALECTS_TEXT_TEXT_H
#define DIALECTS_TEXT_TEXT_H

#include "dialects/NN/NN.h"

#include "dialects/Text/TextDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/Text/TextOps.h.inc"

namespace nnc::text {

/// Whether the elements of `type`, a tensor, are strings.
bool isStrings(mlir::Type type);

/// Whether `text` may be a string of a model: valid UTF-8 without a zero.
bool isString(llvm::StringRef text);

} // namespace nnc::text

#endif // DIALECTS_TEXT_TEXT_H
