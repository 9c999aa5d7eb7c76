// Strings of a model: constants, and which operators take tensors of them.
#ifndef LIB_FRONTEND_ONNX_STRINGS_H
#define LIB_FRONTEND_ONNX_STRINGS_H

#include "lib/Frontend/Import/Strings.h"
#include "lib/Frontend/ONNX/GraphValue.h"
#include "lib/Frontend/ONNX/OpTable.h"

namespace nnc::onnx {

using frontend::castStrings;
using frontend::checkStrings;
using frontend::chooseStrings;
using frontend::createFiller;
using frontend::createStrings;
using frontend::getConstantStrings;
using frontend::SortedKeys;

/// The operators that are about strings.
llvm::ArrayRef<OpEntry> getStringOps();

/// Whether an ONNX data type is that of strings.
bool isStringType(int64_t dataType);

/// A constant of the strings of `tensor`; an error where their number, or one of them, is not valid.
llvm::Expected<mlir::Value> createStrings(mlir::OpBuilder &builder, mlir::Location loc, const ::onnx::TensorProto &tensor);

/// Why the operator's import function cannot have `operands`: empty where none are strings that it does not take.
llvm::StringRef whyNoStrings(const OpEntry &entry, llvm::ArrayRef<GraphValue> operands);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_STRINGS_H
