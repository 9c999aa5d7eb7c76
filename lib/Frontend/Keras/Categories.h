// Layers that turn what they are given into categories: numbers, or rows of numbers.
#ifndef LIB_FRONTEND_KERAS_CATEGORIES_H
#define LIB_FRONTEND_KERAS_CATEGORIES_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerBinder.h"

namespace nnc::keras {

/// Categories that are still believed.
inline constexpr int64_t maxCategories = 1 << 20;

/// The first argument as it is: these layers do not convert it to what they compute in.
frontend::Expression bindCategories(LayerBinder &layer);

/// The element type that a layer gives; where its configuration has none, `otherwise`.
mlir::Type bindCategoryType(LayerBinder &layer, mlir::Type otherwise);

/// Rows of `depth` numbers for the categories `x`: 1 at the place of a category (`mode` one_hot), of all categories of a
/// sample (multi_hot), or how often each of them is there (count). `weights`, which may be null, count instead of 1. What
/// is no category has no place. Null, with the layer rejected, where the mode is not known.
frontend::Expression encodeCategories(LayerBinder &layer, frontend::Expression x, llvm::StringRef mode, int64_t depth,
                                      mlir::Type type, frontend::Expression weights = {});

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_CATEGORIES_H
