// What the command line says of a model's inputs.
#ifndef LIB_DRIVER_INPUTOPTIONS_H
#define LIB_DRIVER_INPUTOPTIONS_H

#include "lib/Frontend/Import/ImportOptions.h"

#include "llvm/Support/Error.h"

namespace nnc {

/// `x=1,3,?,224` is an input's shape, `batch=1` may also be a symbol.
llvm::Error parseShape(llvm::StringRef text, frontend::ShapeOverrides &shapes);

/// `x=3`, `x=?` or `x=none`: how many elements an input has that is a sequence or an optional.
llvm::Error parseElements(llvm::StringRef text, llvm::StringMap<int64_t> &elements);

} // namespace nnc

#endif // LIB_DRIVER_INPUTOPTIONS_H
