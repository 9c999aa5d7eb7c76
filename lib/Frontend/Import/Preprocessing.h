// What a model says of the raw numbers, a photograph's for example, that its inputs are made of.
#ifndef LIB_FRONTEND_IMPORT_PREPROCESSING_H
#define LIB_FRONTEND_IMPORT_PREPROCESSING_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

#include <array>
#include <string>
#include <vector>

namespace nnc::frontend {

/// An input is (raw - mean) * scale. It is the argument attribute `nn.preprocessing` of @main, a dictionary of the
/// fields below; labels are the result attribute `nn.labels`.
struct Preprocessing {
  std::vector<float> mean, scale; ///< one for all channels, or one for each; none: 0 and 1
  mlir::ElementsAttr meanImage;   ///< instead of `mean`: f32 of the input's shape without the first extent
  int64_t channelAxis = -1;       ///< the dimension of channels; -1 where there are none
  std::string channelOrder;       ///< "RGB", "BGR" or "gray"; empty where the model does not say
};

/// The attribute; null where the numbers do not fit an input of this type, are not finite, or change nothing that is
/// worth a word.
mlir::DictionaryAttr makeAttribute(const Preprocessing &preprocessing, mlir::RankedTensorType type);

/// The middle of images of numbers, (planes, rows, columns, inner), `target` rows and columns of `source`; none where the
/// middle is larger, the number of values is another, or one is not finite.
std::vector<float> cutMiddle(llvm::ArrayRef<float> values, int64_t planes, std::array<int64_t, 2> source,
                             std::array<int64_t, 2> target, int64_t inner);

/// The labels of a list with one per line, without white space around them, up to the last one that is not empty; none
/// where they are so many or so long that they cannot be labels.
std::vector<std::string> splitLabels(llvm::StringRef text);

/// With a type, `ui8` or `f32`: inputs with `nn.preprocessing` take raw numbers of that type, and the module computes the
/// rest; an error is emitted where no input has it, or one is not of f32. Mean images are only in the module's code then,
/// and without a type nowhere: of both the attribute `has_mean_image` is left.
llvm::LogicalResult settlePreprocessing(mlir::ModuleOp module, mlir::Type rawType);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_PREPROCESSING_H
